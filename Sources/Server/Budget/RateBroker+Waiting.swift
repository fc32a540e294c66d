import EventIO
import HTTP
import Hub

/// Calls that wait for the Hub's budget.
extension RateBroker {
    /// So many waiting calls are decided in a turn of the loop.
    private static let mostInATurn = 64

    /// Waits until a call of it may go. Throws the 429 that the client gets, and `clientGone` when cancelled.
    func enter(_ use: BudgetUse, _ context: RequestContext) async throws(Failure) {
        switch ask(use, context) {
        case .goes: return
        case .refused(let failure): throw failure
        case .waits: break
        }
        let failure: Failure? = await withCheckedContinuation { continuation in
            wait(use, context) { continuation.resume(returning: $0) }
        }
        if let failure { throw failure }
    }

    /// Calls `then` later, outside of any callback of C: with nil when a call of it may go, or with why it may not.
    func wait(
        _ use: BudgetUse, _ context: RequestContext, then: @escaping @EventLoop @Sendable (Failure?) -> Void
    ) {
        guard !context.isCancelled else { return EventLoop.post { then(.clientGone) } }
        let now = Self.now
        let window = ledger.window(use.account, use.bucket)
        lastID += 1
        let id = lastID
        use.hasWaited = true
        waiting[id] = Waiter(use: use, context: context, base: window.base, began: .now, then: then)
        queues[window.base, default: BudgetQueue(window)].add(
            BudgetQueue.Waiter(
                id: id, share: use.share, due: use.due, from: use.from, isSafe: use.method.isSafe,
                isHasty: use.method == .head), at: now)
        context.onCancel = { [weak self] in self?.withdraw(id) }
        lookSoon(window.base)
    }

    private func withdraw(_ id: Int) {
        guard let waiter = waiting.removeValue(forKey: id) else { return }
        queues[waiter.base]?.remove(id, of: waiter.use.share)
        counts.left += 1
        tell(waiter, .clientGone)
    }

    private func tell(_ waiter: Waiter, _ failure: Failure?) {
        waiter.context.onCancel = nil
        waiter.context.budgetMicroseconds += MonotonicInstant.now.microseconds(since: waiter.began)
        EventLoop.post { waiter.then(failure) }
    }

    /// Something has changed for the calls that wait for this window.
    func lookSoon(_ base: Int) {
        guard !looksSoon, queues[base] != nil else { return }
        looksSoon = true
        EventLoop.post { self.look() }
    }

    func look() {
        looksSoon = false
        var pause = Int.max
        var isDone = true
        for base in Array(queues.keys) {
            isDone = serve(base) && isDone
            guard let queue = queues[base] else { continue }
            if queue.count == 0 { queues[base] = nil } else { pause = min(pause, queue.pause(at: Self.now)) }
        }
        if !isDone { return again() }
        if pause < .max { timer.start(milliseconds: UInt64(pause / 1000)) }
    }

    private func again() {
        looksSoon = true
        EventLoop.post { self.look() }
    }

    /// False: more of them may be ready to go.
    private func serve(_ base: Int) -> Bool {
        for _ in 0..<Self.mostInATurn {
            guard let decision = queues[base]?.next(at: Self.now) else { return true }
            switch decision {
            case .goes(let id, let ticket):
                guard let waiter = waiting.removeValue(forKey: id) else { continue }
                waiter.use.ticket = ticket
                counts.given += 1
                tell(waiter, nil)
            case .refused(let id):
                guard let waiter = waiting.removeValue(forKey: id) else { continue }
                counts.refused += 1
                tell(waiter, refusal(waiter.use, waiter.context))
            }
        }
        return false
    }
}
