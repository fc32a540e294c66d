import EventIO

/// A user of the state, as the state process knows it: the parent, or a worker.
struct StateUser {
    /// In characters.
    private static let longestReason = 1000

    let socket: PacketSocket
    /// Nil until it has said hello.
    var sender: Int64?
    /// The last change of a key that was sent to it; nil: all keys are sent, from the first.
    var lastSentChange: Int64?
    /// All keys were sent to it once.
    var isLoaded = false
    /// Messages for all users that were not sent to it yet, in order.
    var announcements: [StateMessage] = []
    /// The ends of its records, in order.
    var owed: [StateMessage] = []
    /// Its line is full.
    var waits = false

    init(socket: PacketSocket) {
        self.socket = socket
    }

    /// It does not read, so nothing more is read from it: what is owed to it is bounded.
    var isBehind: Bool { owed.count > 8192 }

    /// Of several messages about the database the last one counts.
    mutating func announce(_ message: StateMessage) {
        if case .trouble = message {
            announcements.removeAll { if case .trouble = $0 { true } else { false } }
        }
        if !announcements.contains(message) { announcements.append(message) }
    }

    /// Notes the ends of its records, in their order: on the disk, or lost for a reason.
    mutating func owe(_ ends: [RecordEnd], _ answers: [StateWriter.Answer]) {
        for answer in answers {
            owed.append(.answer(sender: answer.sender, sequence: answer.sequence, answer.payload))
        }
        for end in ends {
            // One message is enough for all records with the same end.
            switch owed.last {
            case .done where end.reason == nil: owed.removeLast()
            case .refused(_, _, let reason) where reason == end.reason: owed.removeLast()
            default: break
            }
            owed.append(
                end.reason.map {
                    .refused(sender: end.sender, sequence: end.sequence, reason: String($0.prefix(Self.longestReason)))
                } ?? .done(sender: end.sender, sequence: end.sequence))
        }
    }
}

/// How a record ended.
struct RecordEnd {
    let sender: Int64
    let sequence: Int64
    /// Why it is lost; nil: it is on the disk.
    let reason: String?
}
