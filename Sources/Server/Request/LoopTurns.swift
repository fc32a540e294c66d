import EventIO

/// Work for more than one turn of the loop: reading, hashing and sending what is on the disk or in memory.
@EventLoop
protocol LoopWork: AnyObject {
    /// Whether it waits for its turn; set by `LoopTurns`.
    var isQueued: Bool { get set }
    /// Does a bounded part of the work: less than half a millisecond.
    func turn()
}

/// Gives turns to work one after the other, for a bounded time in each turn of the loop, however much work there is.
@EventLoop
final class LoopTurns {
    /// For the whole process: all work shares the time.
    static let shared = LoopTurns()
    /// In microseconds, of a turn of the loop.
    private static let budget = 1000

    private var queue: [any LoopWork] = []
    private var next = 0
    private var isPosted = false

    /// Gives `work` one turn, however often it is added before that.
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
