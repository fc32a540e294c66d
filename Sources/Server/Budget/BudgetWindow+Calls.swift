import EventIO
import Hub

/// Calls that go, and what the Hub says of them.
extension BudgetWindow {
    /// One call that went.
    struct Ticket: Equatable, Sendable {
        /// Of its window.
        let number: UInt64
        /// How many had gone with it.
        let sequence: Int
        /// When it went, in microseconds.
        let at: Int
    }

    /// Counts a request that has come.
    func noteDemand(_ view: View) { add(1, to: .demand, of: view.number) }

    /// Spends one, for `share`. Nil: there is none left, or the window is another.
    func take(_ view: View, for share: BudgetShare, at now: Int) -> Ticket? {
        guard change(view.number, { $0 > 0 ? $0 - 1 : nil }) else { return nil }
        add(1, to: .inFlight, of: view.number)
        noteSpent(share, view.number)
        return Ticket(number: view.number, sequence: add(1, to: .released, of: view.number), at: now)
    }

    /// The call was never made.
    func giveBack(_ ticket: Ticket) {
        lost(ticket)
        _ = change(ticket.number) { $0 + 1 }
    }

    /// No response will come to it.
    func lost(_ ticket: Ticket) { add(-1, to: .inFlight, of: ticket.number) }

    /// Changes what is left in the window of this number. False: `change` gives nil, or the window is another.
    private func change(_ number: UInt64, _ change: (Int) -> Int?) -> Bool {
        var known = load(.state)
        while true {
            let old = NumberedCount(known)
            guard old.number == number, let left = change(old.count) else { return false }
            if left == old.count { return true }
            let new = NumberedCount(number, left)
            guard let found = all.exchange(base + Word.state.rawValue, known, for: new.word) else { return true }
            known = found
        }
    }

    /// Takes up what the Hub's response says. `ticket`: nil where the call was not counted. `isSpent`: it was refused for want of budget.
    func learn(_ report: RateLimitReport, _ ticket: Ticket?, isSpent: Bool, retryAfter: Int?, at now: Int) {
        if let ticket { lost(ticket) }
        let seconds = isSpent ? max(report.seconds, retryAfter ?? 0, 1) : report.seconds
        let end = now / 1000 + seconds * 1000
        let left = isSpent ? 0 : report.left
        let view = look(at: now)
        note(report, seconds)
        guard let known = view else { return start(left, end: end) }
        // The Hub may have reckoned at any moment since the call went out: the window is a new one only if each of these moments says so.
        let earliest = ticket.map { $0.number == known.number ? $0.at / 1000 + seconds * 1000 : end } ?? end
        if min(earliest, end) > known.end + Self.slack {
            // The Hub has begun another window than we know of; or it lengthens the one that it has just refused us in.
            if isSpent, ticket?.number == known.number { return correct(known, left: 0...0, end: end) }
            guard let number = begin(after: NumberedCount(load(.state)), left: left) else { return }
            return confirm(number, end: end)
        }
        guard let ticket, ticket.number == known.number else {
            // The response is of an earlier window, or to a call that was not counted: it can only lower what is left.
            if ticket == nil { correct(known, left: 0...left, end: known.end) }
            return
        }
        // The Hub may or may not have counted calls that went later or are on their way. A response that another one overtook sets no lower bound.
        let later = count(.released, of: known.number) - ticket.sequence
        let newest = count(.newest, of: known.number)
        let least = ticket.sequence < newest ? 0 : left - later - count(.inFlight, of: known.number)
        add(max(0, ticket.sequence - newest), to: .newest, of: known.number)
        correct(known, left: max(0, min(left, least))...left, end: isSpent ? end : min(end, known.end))
    }

    /// A response that says nothing of the budget though the window is new: the Hub no longer tells it.
    func missed(_ ticket: Ticket?, at now: Int) {
        if let ticket { lost(ticket) }
        if let view = look(at: now), view.isGuess { forget() }
    }

    private func note(_ report: RateLimitReport, _ seconds: Int) {
        if let quota = report.quota { store(.quota, UInt64(quota)) }
        let length = UInt64((report.window ?? max(seconds, 1)) * 1000)
        // Where the Hub does not tell the length, it is the longest rest of a window that was seen.
        if report.window != nil || length > load(.length) { store(.length, length) }
    }

    private func start(_ left: Int, end: Int) {
        let state = NumberedCount(load(.state))
        guard let number = begin(after: state, left: left, isNext: false) else { return }
        store(.confirmed, number)
        store(.end, NumberedCount(number, end).word)
    }

    private func correct(_ view: View, left: ClosedRange<Int>, end: Int) {
        _ = change(view.number) { min(max($0, left.lowerBound), left.upperBound) }
        confirm(view.number, end: end)
    }

    private func confirm(_ number: UInt64, end: Int) {
        store(.confirmed, number)
        var known = load(.end)
        let new = NumberedCount(number, end).word
        while known != new, NumberedCount(known).isUpTo(number),
            let found = all.exchange(base + Word.end.rawValue, known, for: new)
        {
            known = found
        }
    }
}
