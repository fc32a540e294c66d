import EventIO

/// A value that comes once, from work that goes on when a task that waits for it leaves.
@EventLoop
final class Awaited<Value: Sendable> {
    private var result: Value?
    private var continuation: CheckedContinuation<Value?, Never>?

    private var afterwards: (() -> Void)?

    func settle(_ value: Value) {
        result = value
        afterwards?()
        afterwards = nil
        continuation?.resume(returning: value)
        continuation = nil
    }

    /// Waits for the value. Nil where the task is cancelled meanwhile.
    func value() async -> Value? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A task that was cancelled before gets no call of the handler.
                if result != nil || Task.isCancelled { return continuation.resume(returning: result) }
                self.continuation = continuation
            }
        } onCancel: {
            EventLoop.assumeIsolated { self.leave() }
        }
    }

    /// Calls `work` when the value comes; at once where it is there.
    func whenSettled(_ work: @escaping () -> Void) {
        if result == nil { afterwards = work } else { work() }
    }

    private func leave() {
        continuation?.resume(returning: nil)
        continuation = nil
    }
}
