import CEvent
import Glibc
import HTTP
import Synchronization

/// Runs Swift's jobs on the thread that polls libevent, between two polls: so no job ever runs inside a callback of libevent
/// or libcurl, where handles must not be freed.
///
/// It is both a serial executor (of the actor `EventLoop`) and a task executor: a task that is started with it as its preference
/// stays on the thread in code without isolation too.
@safe package final class LoopExecutor: SerialExecutor, TaskExecutor {
    private enum Work {
        case job(UnownedJob)
        case call(@EventLoop @Sendable () -> Void)
    }

    /// The jobs, in order. Only tests enqueue from other threads; the program never waits for the lock.
    private let queue = Mutex<[Work]>([])
    /// The queue's other half, empty: the two change places at each batch, so that neither gives its memory back.
    private nonisolated(unsafe) var batch: [Work] = []
    /// To be called once before the next poll; used by the polling thread only.
    private nonisolated(unsafe) var lastCalls: [@EventLoop () -> Void] = []
    /// The thread that polls; 0 until `run`.
    private let thread = Atomic<UInt>(0)
    package nonisolated(unsafe) let loop: OpaquePointer

    package init() {
        unsafe loop = ce_loop_new()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.withLock { $0.append(.job(unowned)) }
        if !isCurrent {
            unsafe ce_loop_wake(loop)
        }
    }

    /// Queues `work` like a job. It costs a tenth of a task.
    package func enqueue(_ work: @escaping @EventLoop @Sendable () -> Void) {
        queue.withLock { $0.append(.call(work)) }
    }

    /// Calls `work` when the jobs of this turn have run.
    @EventLoop package func callBeforePoll(_ work: @escaping @EventLoop () -> Void) {
        unsafe lastCalls.append(work)
    }

    /// Whether the caller is on the thread that polls.
    package var isCurrent: Bool {
        thread.load(ordering: .relaxed) == UInt(pthread_self())
    }

    package func checkIsolated() {
        precondition(isCurrent, "this code belongs to the event loop's thread")
    }

    package func isIsolatingCurrentContext() -> Bool? {
        isCurrent
    }

    /// Makes the calling thread the loop's and polls while `goesOn` is true.
    package func run(while goesOn: () -> Bool) {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        while goesOn() {
            let hasMore = EventLoop.assumeIsolated {
                let hasMore = runBatch()
                callLast()
                return hasMore
            }
            unsafe ce_loop_poll(loop, !hasMore && goesOn())
        }
    }

    /// Runs the jobs that are queued now, and returns whether more have come meanwhile: events get their turn after each batch.
    @EventLoop private func runBatch() -> Bool {
        queue.withLock { unsafe swap(&$0, &batch) }
        for work in unsafe batch {
            switch work {
            case .job(let job):
                unsafe job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            case .call(let work):
                work()
            }
        }
        unsafe batch.removeAll(keepingCapacity: true)
        return queue.withLock { !$0.isEmpty }
    }

    @EventLoop private func callLast() {
        while let work = unsafe lastCalls.popLast() { work() }
    }
}
