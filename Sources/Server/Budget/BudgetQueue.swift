import EventIO

/// Calls of one worker that wait for one window of a budget, by share. It has no clock and makes no calls; its owner asks for `next` again after
/// `pause`, and when an answer has come.
struct BudgetQueue {
    struct Waiter: Equatable {
        /// Larger for each call than for the one before.
        let id: Int
        let share: BudgetShare
        /// The deadline, in microseconds.
        let due: Int
        /// Not before this.
        var from = 0
        /// Whether it may be made twice (RFC 9110 section 9.2.1): such a call may test whether a window has begun.
        var isSafe = true
        /// Its client gives up early.
        var isHasty = false
    }

    enum Decision: Equatable {
        /// Nil: nothing is known of the budget any more.
        case goes(Int, BudgetWindow.Ticket?)
        case refused(Int)
    }

    let window: BudgetWindow
    private var lanes: [Int: BudgetLane] = [:]
    private var later: [Waiter] = []
    /// Calls that were removed from the queue and are still in a `BudgetLane`.
    private var gone: Set<Int> = []
    private(set) var count = 0

    init(_ window: BudgetWindow) {
        self.window = window
    }

    mutating func add(_ waiter: Waiter, at now: Int) {
        count += 1
        guard waiter.from <= now else { return later.append(waiter) }
        lanes[waiter.share.place, default: BudgetLane()].add(waiter)
        window.noteWaiting(waiter.share.place, at: now)
    }

    /// The client of a waiting call has left.
    mutating func remove(_ id: Int, of share: BudgetShare) {
        count -= 1
        if let index = later.firstIndex(where: { $0.id == id }) {
            later.remove(at: index)
        } else {
            gone.insert(id)
            tidy(share.place)
        }
    }

    private mutating func tidy(_ place: Int) {
        lanes[place]?.drop(&gone)
        guard lanes[place]?.isEmpty ?? false else { return }
        lanes[place] = nil
        window.noteNoneWaits(place)
    }

    /// The call that goes now, or is refused at its deadline; nil: none yet.
    mutating func next(at now: Int) -> Decision? {
        guard count > 0 else { return nil }
        wake(at: now)
        guard let view = window.look(at: now) else { return popAny().map { .goes($0.id, nil) } }
        return turn(view, at: now) ?? overdue(view, at: now)
    }

    private mutating func wake(at now: Int) {
        guard later.contains(where: { $0.from <= now }) else { return }
        for waiter in later where waiter.from <= now {
            lanes[waiter.share.place, default: BudgetLane()].addFirst(waiter)
            window.noteWaiting(waiter.share.place, at: now)
        }
        later.removeAll { $0.from <= now }
    }

    private mutating func popAny() -> Waiter? {
        guard let place = lanes.keys.first, let waiter = lanes[place]?.popFirst() else {
            // The calls after it have to wait, whatever is known.
            return nil
        }
        count -= 1
        tidy(place)
        return waiter
    }

    /// A call that goes in its turn.
    private mutating func turn(_ view: BudgetWindow.View, at now: Int) -> Decision? {
        guard view.left > 0, let first = turned(view, at: now),
            let ticket = window.take(view, for: first.share, at: now)
        else {
            return nil
        }
        window.pass(first.share)
        _ = lanes[first.share.place]?.popFirst()
        count -= 1
        tidy(first.share.place)
        return .goes(first.id, ticket)
    }

    private func turned(_ view: BudgetWindow.View, at now: Int) -> Waiter? {
        let isShort = window.isShort(view, at: now)
        var best: (waiter: Waiter, start: UInt64)?
        for (place, lane) in lanes {
            guard let waiter = lane.first, waiter.isSafe || view.allowsUnsafe(at: now) else { continue }
            if isShort, window.isThrifty(waiter.share, view) { return waiter }
            let start = window.start(place)
            if let best, (best.start, best.waiter.id) < (start, waiter.id) { continue }
            best = (waiter, start)
        }
        guard let first = best, isShort, !view.isProbe else { return best?.waiter }
        guard first.start <= window.firstWaiting(at: now), window.takeTurn(view, at: now) else { return nil }
        return first.waiter
    }

    /// A call at its deadline: it goes where enough is left for others, else it is refused.
    private mutating func overdue(_ view: BudgetWindow.View, at now: Int) -> Decision? {
        if let index = later.firstIndex(where: { $0.due <= now }) {
            count -= 1
            return .refused(later.remove(at: index).id)
        }
        guard let place = lanes.first(where: { $0.value.due <= now })?.key,
            let waiter = lanes[place]?.popOverdue(at: now)
        else { return nil }
        count -= 1
        tidy(place)
        guard window.maySpendNow(waiter.share, view, at: now),
            let ticket = window.take(view, for: waiter.share, at: now)
        else {
            return .refused(waiter.id)
        }
        window.pass(waiter.share)
        return .goes(waiter.id, ticket)
    }

    /// Microseconds after which `next` is to be called again. Tells the other workers which shares wait here.
    func pause(at now: Int) -> Int {
        for place in lanes.keys { window.noteWaiting(place, at: now) }
        guard let view = window.look(at: now) else { return later.map(\.from).min().map { max($0 - now, 1_000) } ?? 0 }
        // Another worker may get a response that changes everything.
        var pause = min(max(view.length * 10, 5_000), 100_000)
        if view.left > 0, !lanes.isEmpty { pause = min(pause, window.untilTurn(view, at: now)) }
        for waiter in later { pause = min(pause, waiter.from - now, waiter.due - now) }
        for lane in lanes.values { pause = min(pause, lane.due - now) }
        return max(min(pause, view.rest(at: now) * 1000), 1_000)
    }
}

extension BudgetWindow.View {
    /// A call that must not be made twice does not test whether a window has begun.
    fileprivate func allowsUnsafe(at now: Int) -> Bool {
        !isProbe || now / 1000 - (end - length) > BudgetWindow.slack
    }
}
