import EventIO

/// Something that has more to do than one turn of the loop has time for: to read, hash and send what is on the disk or in memory.
@EventLoop
protocol LoopWork: AnyObject {
    /// Whether it waits for its turn; of the scheduler's.
    var isQueued: Bool { get set }
    /// Does a bounded part of it: less than half a millisecond.
    func turn()
}

/// Whose turn it is: one after the other, and in each turn of the loop for a bounded time, however many there are.
@EventLoop
final class LoopTurns {
    /// Of this process: all share the time.
    static let shared = LoopTurns()
    /// In microseconds, of a turn of the loop.
    private static let budget = 1000

    private var queue: [any LoopWork] = []
    private var next = 0
    private var isPosted = false

    /// Gives `work` a turn, one for all who ask before it comes.
    func add(_ work: any LoopWork) {
        guard !work.isQueued else { return }
        work.isQueued = true
        queue.append(work)
        post()
    }

    private func post() {
        guard !isPosted else { return }
        isPosted = true
        EventLoop.post { self.run() }
    }

    private func run() {
        isPosted = false
        let began = MonotonicInstant.now
        while next < queue.count {
            let work = queue[next]
            next += 1
            work.isQueued = false
            work.turn()
            if MonotonicInstant.now.microseconds(since: began) >= Self.budget { break }
        }
        if next == queue.count || next > 256 {
            queue.removeFirst(next)
            next = 0
        }
        if !queue.isEmpty { post() }
    }
}
