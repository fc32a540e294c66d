import EventIO

/// A value that comes once, from work that goes on when who waits for it leaves.
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

    /// Nil for a task that is cancelled meanwhile. For one who waits.
    func value() async -> Value? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Of a task that was cancelled before, no handler comes.
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
