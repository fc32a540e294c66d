import EventIO

/// Cancels requests that take longer than `request_timeout`, with one timer for all of them: one libevent timer for each request cost as
/// much as the rest of the gateway's work for a small response.
@EventLoop
final class RequestTimeLimit {
    /// For requests that begin from now on; 0: no limit.
    var milliseconds: UInt64
    private var watched: [RequestContext] = []
    /// When the timer fires, if it runs.
    private var next: MonotonicInstant?
    private lazy var timer = Timer { [weak self] in self?.look() }

    init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    func watch(_ context: RequestContext) {
        guard milliseconds > 0 else { return }
        let due = context.started.advanced(milliseconds: milliseconds)
        context.due = due
        context.index = watched.count
        watched.append(context)
        // Mostly it fires for a request that has long ended, and is then set for one that has not.
        if next.map({ due < $0 }) ?? true { wait(until: due) }
    }

    /// The request has ended.
    func forget(_ context: RequestContext) {
        guard context.due != nil else { return }
        context.due = nil
        let last = watched.removeLast()
        guard last !== context else { return }
        watched[context.index] = last
        last.index = context.index
    }

    private func look() {
        next = nil
        let now = MonotonicInstant.now
        let running = watched.filter { !$0.isOverdue }
        for context in running where context.due.map({ $0 <= now }) ?? false {
            context.isOverdue = true
            context.cancel()
        }
        if let earliest = running.lazy.filter({ !$0.isOverdue }).compactMap(\.due).min() { wait(until: earliest) }
    }

    private func wait(until due: MonotonicInstant) {
        next = due
        // A millisecond later than needed: it must not fire early.
        timer.start(milliseconds: due.milliseconds(since: .now) + 1)
    }
}
