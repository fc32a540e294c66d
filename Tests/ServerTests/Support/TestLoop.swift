import Foundation
import Testing

@testable import Server

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
        try await withTaskExecutorPreference(EventLoop.shared.executor) { try await function() }
    }
}

extension Trait where Self == LiveTrait {
    /// On real sockets.
    static var live: Self { LiveTrait() }
}

/// What a test waits for, when nothing calls back: looked at again every few milliseconds, for at most `seconds`.
@EventLoop
func eventually(within seconds: Double = 10, _ condition: @EventLoop () -> Bool) async -> Bool {
    let started = Moment.now
    while !condition() {
        guard Double(Moment.now.microseconds(since: started)) < seconds * 1_000_000 else { return false }
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
