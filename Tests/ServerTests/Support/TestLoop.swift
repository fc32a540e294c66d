@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// The event loop of this test process, on a thread of its own. Tests that touch connections are `@EventLoop`, in suites that are
/// `.live` but not `@EventLoop`: the testing library would list such a suite's tests on the loop, before it has started.
enum TestLoop {
    static let threadName = "hubgate-loop"

    /// Starts the thread the first time.
    static func start() {
        _ = started
    }

    private static let started: Void = {
        let thread = Thread {
            Thread.current.name = threadName
            EventLoop.run()
        }
        thread.stackSize = 8 << 20
        thread.start()
    }()
}

/// Starts the loop and makes the certificates before the tests of a suite that needs them, and keeps their tasks on the loop's thread
/// as `EventLoop.task` does: without that preference, each await of a test would let events in between.
struct LiveTrait: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func prepare(for test: Test) async throws {
        _ = try TestCertificates.shared.get()
        TestLoop.start()
    }

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        await Places.shared.take()
        do {
            try await withTaskExecutorPreference(EventLoop.shared.executor) { try await function() }
        } catch {
            await Places.shared.giveBack()
            throw error
        }
        await Places.shared.giveBack()
    }
}

/// How many live tests may run at once: all share one thread, and where hundreds wait for it, time limits pass.
private actor Places {
    static let shared = Places()

    private var free = 4
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    func giveBack() {
        if waiters.isEmpty {
            free += 1
        } else {
            waiters.removeFirst().resume()
        }
    }
}

extension Trait where Self == LiveTrait {
    /// On real sockets.
    static var live: Self { LiveTrait() }
}

/// Starts a thread that may wait for something. Not from the caller's own thread, whose name it would inherit: tests look for threads
/// that the loop's thread has started.
func startThread(_ body: @escaping @Sendable () -> Void) {
    DispatchQueue.global().async { Thread.detachNewThread(body) }
}

/// What a test waits for, when nothing calls back: looked at again every few milliseconds, for at most `seconds`.
@EventLoop
func eventually(within seconds: Double = 10, _ condition: @EventLoop () -> Bool) async -> Bool {
    let started = MonotonicInstant.now
    while !condition() {
        guard Double(MonotonicInstant.now.microseconds(since: started)) < seconds * 1_000_000 else { return false }
        await EventLoop.sleep(milliseconds: 5)
    }
    return true
}

/// A door that stays shut until it is opened, for answers that shall come later.
@EventLoop
final class Door {
    private(set) var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func opened() async {
        guard !isOpen else { return }
        await withCheckedContinuation { isOpen ? $0.resume() : waiters.append($0) }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
