internal import Hub

/// One call to the Hub under way, and those who wait for its answer while the first who asked is being answered.
@EventLoop
final class Flight {
    /// How it went, for those who waited.
    enum Landing: Sendable {
        /// With an answer that all may have.
        case answered(CopiedAnswer)
        /// Without one: all are told the same.
        case failed(Failure)
        /// The first client left and took the call along: one of those who waited makes it anew.
        case abandoned
        /// The answer is not for sharing: each makes a call of their own.
        case unshared
    }

    private var waiting: [ObjectIdentifier: CheckedContinuation<Landing, Never>] = [:]
    private var landing: Landing?

    var hasPassengers: Bool { !waiting.isEmpty }

    /// Waits for the end. Throws `clientGone` when the waiting task is cancelled.
    func landed(_ context: RequestContext) async throws(Failure) -> Landing {
        if let landing { return landing }
        let key = ObjectIdentifier(context)
        let outcome: Landing = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                // Both looked at again: see `Transfer.headOrEnd()`; and of a task that was cancelled before, no handler comes.
                if let landing {
                    waiter.resume(returning: landing)
                } else if Task.isCancelled {
                    waiter.resume(returning: .failed(.clientGone))
                } else {
                    waiting[key] = waiter
                }
            }
        } onCancel: {
            EventLoop.assumeIsolated { self.waiting.removeValue(forKey: key)?.resume(returning: .failed(.clientGone)) }
        }
        if case .failed(let failure) = outcome { throw failure }
        return outcome
    }

    /// Tells all who wait. Only the first landing counts.
    func land(_ landing: Landing) {
        guard self.landing == nil else { return }
        self.landing = landing
        for waiter in waiting.values { waiter.resume(returning: landing) }
        waiting = [:]
    }
}
