import EventIO

/// Whose turn it is while a budget is short: start-time fair queueing (Goyal, Vin and Chen, 1997) over the shares, in memory that all workers
/// share. A share's calls stand at even distances on one line, 1 / weight apart; the call that stands first goes first. A share that had no call for a
/// while begins where the line has come to: it has saved nothing, and owes nothing.
extension BudgetWindow {
    /// The distance between two calls of a share of weight 1.
    static let distance: UInt64 = 1 << 20
    /// In microseconds. A worker in which a call of a share waits notes it again within this time; the note of a worker that died expires.
    static let noteLife = 250_000

    /// Where the next call of a share stands.
    func start(_ share: Int) -> UInt64 { max(all.load(index(share, .tag)), load(.virtualTime)) }

    /// One of its calls goes.
    func pass(_ share: BudgetShare) {
        let start = start(share.place)
        raise(index(share.place, .tag), to: start + Self.distance / UInt64(share.weight))
        raise(base + Word.virtualTime.rawValue, to: start)
    }

    private func raise(_ index: Int, to value: UInt64) {
        var known = all.load(index)
        while known < value, let found = all.exchange(index, known, for: value) { known = found }
    }

    func noteWaiting(_ share: Int, at now: Int) { all.store(index(share, .waiting), UInt64(now + Self.noteLife)) }

    func noteNoneWaits(_ share: Int) { all.store(index(share, .waiting), 0) }

    /// Where the first of all calls stands that wait in any worker.
    func firstWaiting(at now: Int) -> UInt64 {
        var first = UInt64.max
        for share in 0..<Self.shares where all.load(index(share, .waiting)) > UInt64(now) {
            first = min(first, start(share))
        }
        return first
    }
}

/// When calls have to wait.
extension BudgetWindow {
    /// A turn that was not taken in time is made up for, up to this.
    private static let makeUp = 100_000
    /// From a call at its deadline one part in so many of a window's quota is kept, for the other shares.
    private static let kept = 10

    /// Whether less is left than would be needed until the end, if requests go on to come as they did over the length of one window.
    func isShort(_ view: View, at now: Int) -> Bool {
        guard view.left > 0 else { return true }
        let rest = Double(min(view.rest(at: now), view.length)) / Double(view.length)
        let demand = Double(count(.demand, of: view.number)) + Double(load(.before)) * rest
        return Double(view.left) < demand * rest
    }

    /// Whether a share has had so little, less than half of its part of what was spent, that its calls need not be spread.
    func isThrifty(_ share: BudgetShare, _ view: View) -> Bool {
        spent(share, of: view.number) * 2 * weights(with: share, of: view.number)
            <= share.weight * count(.released, of: view.number)
    }

    /// Takes the next turn: what is left is spread evenly over the rest of the window. True for one caller only, of all workers together.
    func takeTurn(_ view: View, at now: Int) -> Bool {
        let last = load(.lastTurn)
        let due = Int(last) + Self.apart(view, at: now)
        guard due <= now else { return false }
        let new = UInt64(max(due, now - Self.makeUp))
        return all.exchange(base + Word.lastTurn.rawValue, last, for: new) == nil
    }

    /// Microseconds until the next turn.
    func untilTurn(_ view: View, at now: Int) -> Int {
        max(0, Int(load(.lastTurn)) + Self.apart(view, at: now) - now)
    }

    /// Between two turns, in microseconds.
    private static func apart(_ view: View, at now: Int) -> Int { view.rest(at: now) * 1000 / max(view.left, 1) }

    /// Whether a call at its deadline may go before its turn: not where the others need what is left.
    func maySpendNow(_ share: BudgetShare, _ view: View, at now: Int) -> Bool {
        if isThrifty(share, view) { return view.left > 0 }
        let weights = weights(with: share, of: view.number)
        let rest = Double(min(view.rest(at: now), view.length)) / Double(view.length)
        let others = Double(weights - share.weight) / Double(weights)
        return Double(view.left) > Double(view.quota) / Double(Self.kept) * rest * others
    }
}
