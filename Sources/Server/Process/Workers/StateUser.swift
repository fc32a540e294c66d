import EventIO

/// One who uses the state, as the state process knows it: the parent, or a worker.
struct StateUser {
    /// In characters.
    private static let longestReason = 1000

    let socket: PacketSocket
    /// Nil until it has said hello.
    var sender: Int64?
    /// The last change of a key that it was told of; nil: it gets all, from the first.
    var told: Int64?
    /// It has had all keys once.
    var isLoaded = false
    /// What it has to be told of its records, in order.
    var owed: [StateMessage] = []
    /// Its line is full.
    var waits = false

    init(socket: PacketSocket) {
        self.socket = socket
    }

    /// It does not read, so nothing more of it is read: what is owed has an end.
    var isBehind: Bool { owed.count > 8192 }

    /// Its records up to `last` are on the disk, or lost for `reason`.
    mutating func owe(_ last: StateWriter.Entry, _ reason: String?, _ answers: [StateWriter.Answer]) {
        for answer in answers {
            owed.append(.answer(sender: answer.sender, sequence: answer.sequence, answer.payload))
        }
        // One word is enough for all that are on the disk.
        if reason == nil, answers.isEmpty, case .done = owed.last { owed.removeLast() }
        owed.append(
            reason.map {
                .refused(sender: last.sender, sequence: last.sequence, reason: String($0.prefix(Self.longestReason)))
            }
                ?? .done(sender: last.sender, sequence: last.sequence))
    }
}
