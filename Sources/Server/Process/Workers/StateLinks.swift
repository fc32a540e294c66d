import EventIO

/// The lines between the state process and its users. The parent has both ends of each, so that a successor of either side
/// finds what was sent.
final class StateLinks {
    /// The workers' ends, in the order of their numbers.
    private var workerEnds: [PacketSocket] = []
    /// The state process's ends: of the parent's line, then of the workers' lines.
    private var stateEnds: [PacketSocket] = []
    private var parent: PacketSocket

    init(workers: Int) throws(CError) {
        let ends = try PacketSocket.pair()
        parent = ends.0
        stateEnds = [ends.1]
        for _ in 0..<workers {
            let (workerEnd, stateEnd) = try PacketSocket.pair()
            workerEnds.append(workerEnd)
            stateEnds.append(stateEnd)
        }
    }

    /// In a worker: all ends but its own are closed here.
    func take(worker number: Int) -> PacketSocket {
        let own = workerEnds[number - 1]
        (workerEnds, stateEnds, parent) = ([], [], own)
        return own
    }

    /// In the state process.
    func takeStateEnds() -> [PacketSocket] {
        defer { (workerEnds, stateEnds, parent) = ([], [], stateEnds[0]) }
        return stateEnds
    }

    // MARK: messages of the parent

    private var owedBounds: LoginBounds?
    private var owesStop = false

    /// The line is full, and something was not sent yet: `flush` has to be called again.
    var isOwing: Bool { owedBounds != nil || owesStop }

    /// The roles of logins from here on; the last message counts.
    func send(_ bounds: LoginBounds) {
        owedBounds = bounds
        flush()
    }

    private static let giveBackMilliseconds: UInt64 = 2000

    /// At the end: what keys have spent. If that cannot be sent in time, everything that was debited counts as spent.
    func giveBack(_ debits: [QuotaDebit]) {
        let began = MonotonicInstant.now
        var left = debits[...]
        while !left.isEmpty, MonotonicInstant.now.milliseconds(since: began) < Self.giveBackMilliseconds {
            let some = left.prefix(PacketSocket.longest / QuotaDebit.size - 1)
            if parent.send(StateMessage.spent(Array(some)).bytes) == .sent {
                left = left.dropFirst(some.count)
            } else {
                PacketSocket.wait([parent], writing: [true], milliseconds: 50)
            }
        }
    }

    /// Ends the state process once it has written everything that came before.
    func stopStateProcess() {
        owesStop = true
        flush()
    }

    func flush() {
        if let bounds = owedBounds {
            guard parent.send(StateMessage.bounds(bounds).bytes) != .full else { return }
            owedBounds = nil
        }
        if owesStop { owesStop = parent.send(StateMessage.stop.bytes) == .full }
    }
}
