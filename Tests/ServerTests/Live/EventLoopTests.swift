import CEvent
@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// The three things that the whole design stands on: if a new Swift breaks one, these say so.
@Suite("The event loop", .live)
struct EventLoopTests {
    @Test("Code stays on one thread: across awaits, tasks, sleeps and calls of code without isolation")
    @EventLoop func oneThread() async {
        let home = currentThread()
        await EventLoop.sleep(milliseconds: 1)
        #expect(currentThread() == home)
        await withoutIsolation()
        #expect(currentThread() == home)
        var threads: [UInt] = []
        await withCheckedContinuation { continuation in
            EventLoop.task {
                threads.append(currentThread())
                await elsewhere()
                threads.append(currentThread())
                await EventLoop.task { threads.append(currentThread()) }.value
                continuation.resume()
            }
        }
        #expect(threads == [home, home, home])
    }

    @Test("A task of the loop keeps even concurrent functions on its thread")
    @EventLoop func preference() async {
        let home = currentThread()
        let seen = await withCheckedContinuation { continuation in
            EventLoop.task { continuation.resume(returning: await elsewhere()) }
        }
        #expect(seen == home)
    }

    @Test("A thousand tasks that wait for one another all end, in the order of their jobs")
    @EventLoop func manyTasks() async {
        var order: [Int] = []
        let door = Door()
        let tasks = (0..<1000).map { number in
            EventLoop.task {
                await door.opened()
                order.append(number)
            }
        }
        await EventLoop.sleep(milliseconds: 1)
        #expect(order.isEmpty)
        door.open()
        for task in tasks { await task.value }
        #expect(order == Array(0..<1000))
    }

    @Test("Another thread wakes the loop")
    @EventLoop func foreignThread() async {
        let home = currentThread()
        for _ in 0..<20 {
            let seen = await withCheckedContinuation { continuation in
                startThread {
                    EventLoop.task { continuation.resume(returning: currentThread()) }
                }
            }
            #expect(seen == home)
        }
    }

    @Test("A sleep ends in time, in order, and at once when its task is cancelled")
    @EventLoop func sleeping() async {
        let started = MonotonicInstant.now
        await EventLoop.sleep(milliseconds: 30)
        // libevent reads a clock that ticks every few milliseconds.
        #expect(MonotonicInstant.now.microseconds(since: started) >= 20_000)
        let long = EventLoop.task { await EventLoop.sleep(milliseconds: 60_000) }
        await EventLoop.sleep(milliseconds: 1)
        long.cancel()
        await long.value
        let cancelled = EventLoop.task {
            await EventLoop.sleep(milliseconds: 1)
            await EventLoop.sleep(milliseconds: 60_000)
        }
        cancelled.cancel()
        await cancelled.value
        #expect(MonotonicInstant.now.microseconds(since: started) < 30_000_000)
    }

    @Test("A C callback enters the isolation without an await")
    @EventLoop func trampoline() async {
        let bell = Bell()
        let timer = unsafe ce_timer_new(
            EventLoop.shared.executor.loop,
            { context in
                let bell: Bell = unsafe unretained(context)
                EventLoop.assumeIsolated { bell.ring() }
            },
            Unmanaged.passUnretained(bell).toOpaque())
        unsafe ce_timer_start(timer, 1)
        #expect(await eventually { bell.rings == 1 })
        unsafe ce_timer_free(timer)
    }

    @Test("A typed error keeps its type through an existential of a handler protocol")
    @EventLoop func typedThrows() async {
        let step: any Step = Refusing()
        do throws(Failure) {
            try await step.run()
            Issue.record("nothing was thrown")
        } catch {
            let kind: Failure.Kind = error.kind
            #expect(kind == .notFound)
        }
    }

    @Test("A stored closure takes a RawSpan")
    @EventLoop func rawSpan() {
        let pump = Pump { (bytes: RawSpan) in bytes.byteCount }
        #expect(pump.feed([1, 2, 3]) == 3)
    }
}

private protocol Step {
    @EventLoop func run() async throws(Failure)
}

private struct Refusing: Step {
    func run() async throws(Failure) {
        await EventLoop.sleep(milliseconds: 1)
        throw .notFound("such thing")
    }
}

@EventLoop
private final class Bell {
    private(set) var rings = 0

    func ring() { rings += 1 }
}

@EventLoop
private final class Pump {
    private let take: @EventLoop (RawSpan) -> Int

    init(_ take: @escaping @EventLoop (RawSpan) -> Int) {
        self.take = take
    }

    func feed(_ bytes: [UInt8]) -> Int { unsafe take(bytes.span.bytes) }
}

private nonisolated func currentThread() -> UInt { UInt(pthread_self()) }

private nonisolated func withoutIsolation() async {
    await Task.yield()
}

@concurrent
@discardableResult
private nonisolated func elsewhere() async -> UInt { currentThread() }
