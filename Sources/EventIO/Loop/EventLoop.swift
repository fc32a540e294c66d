import Synchronization

/// The isolation of everything that touches a connection: one thread, which polls libevent and runs the jobs in between.
@globalActor
package actor EventLoop {
    package static let shared = EventLoop()

    package nonisolated let executor = LoopExecutor()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Polls on the calling thread until `stop` is called. The program's main thread is inside this for its whole life.
    package nonisolated static func run() {
        shared.executor.run { !isStopped.load(ordering: .relaxed) }
    }

    /// Makes `run` return after the present batch of jobs.
    @EventLoop package static func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    /// Starts a task that stays on the loop's thread whatever it calls. `Task {}` and `Task.detached` would start a pool of threads
    /// for code without isolation, and so would `Task.sleep`: use `sleep(milliseconds:)`.
    @discardableResult
    package nonisolated static func task(_ work: @escaping @EventLoop @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: shared.executor, operation: work)
    }

    /// The same, and it runs at once up to its first suspension. Not inside a callback of libevent or libcurl.
    @EventLoop
    @inline(__always)
    @discardableResult
    package static func immediateTask(_ work: @escaping @EventLoop @Sendable () async -> Void) -> Task<Void, Never> {
        Task.immediate(executorPreference: shared.executor, operation: work)
    }

    /// Calls `work` outside of any callback of libevent or libcurl, soon and without a task.
    @EventLoop package static func post(_ work: @escaping @EventLoop @Sendable () -> Void) {
        shared.executor.enqueue(work)
    }

    /// Calls `work` once at the end of this turn, before the loop polls again.
    @EventLoop package static func beforePoll(_ work: @escaping @EventLoop () -> Void) {
        shared.executor.callBeforePoll(work)
    }

    /// Enters the loop's isolation from a C callback, which is on its thread but has no Swift isolation. Stops the program elsewhere.
    /// Inlined, the closure's context needs no memory of its own.
    @inline(__always)
    package nonisolated static func assumeIsolated<Result>(_ body: @EventLoop () -> Result) -> Result {
        shared.executor.checkIsolated()
        return withoutActuallyEscaping(body) { escapable in
            // The isolation is part of the type only, not of the representation; MainActor.assumeIsolated does the same.
            unsafe unsafeBitCast(escapable, to: (() -> Result).self)()
        }
    }

    /// A function of the loop's in a form that C's callbacks can call: they are on its thread but have no Swift isolation. Stops the program elsewhere.
    /// To be made once for each callback: where `assumeIsolated` allocates memory for its closure's context, this only calls.
    package nonisolated static func entry<Object, Argument, Result>(
        _ body: @escaping @EventLoop (Object, Argument) -> Result
    ) -> (Object, Argument) -> Result {
        // The isolation is part of the type only, as in `assumeIsolated`.
        let plain = unsafe unsafeBitCast(body, to: ((Object, Argument) -> Result).self)
        return { object, argument in
            shared.executor.checkIsolated()
            return plain(object, argument)
        }
    }

    /// Returns after `milliseconds`, or at once when the task is cancelled.
    @EventLoop package static func sleep(milliseconds: UInt64) async {
        let box = SleepBox()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                box.begin(continuation, milliseconds: milliseconds)
            }
        } onCancel: {
            EventLoop.assumeIsolated { box.wake() }
        }
    }

    private static let isStopped = Atomic<Bool>(false)
}

@EventLoop
private final class SleepBox {
    private var continuation: CheckedContinuation<Void, Never>?
    private var timer: Timer?
    private var isWoken = false

    func begin(_ continuation: CheckedContinuation<Void, Never>, milliseconds: UInt64) {
        guard !isWoken else { return continuation.resume() }
        self.continuation = continuation
        let timer = Timer { self.wake() }
        timer.start(milliseconds: milliseconds)
        self.timer = timer
    }

    func wake() {
        isWoken = true
        timer = nil
        continuation?.resume()
        continuation = nil
    }
}
