import EventIO

/// The lines between the state process and those who use the state. The parent has both ends of each, so that a successor of either side
/// finds what was sent.
final class StateLinks {
    /// Of workers, in the order of their numbers.
    private var workerEnds: [PacketSocket] = []
    /// Of the state process: the parent's, then those of workers.
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

    // MARK: what the parent says

    private var owedBounds: LoginBounds?
    private var owesStop = false

    /// Its line is full, and something has not gone out yet: `flush` has to be called again.
    var isOwing: Bool { owedBounds != nil || owesStop }

    /// What logins may make from here on; the last word counts.
    func send(_ bounds: LoginBounds) {
        owedBounds = bounds
        flush()
    }

    /// Ends the state process when it has written all that came before.
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
