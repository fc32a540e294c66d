import EventIO

/// A worker's end of the line to the state process. Nothing here blocks except `loadKeys`, before the worker serves.
@EventLoop
final class StateClient {
    typealias Completion = @EventLoop (Result<Void, Loss>) -> Void
    typealias Answered = @EventLoop (Result<[UInt8], Loss>) -> Void
    /// Gets new and changed keys. `isFirst`: all keys follow, and those known before are to be dropped.
    typealias KeysListener = @EventLoop (_ records: [KeyRecord], _ isFirst: Bool, _ isLast: Bool) -> Void

    /// Why a record will not be on the disk, as a sentence.
    struct Loss: Error, Equatable {
        let reason: String
    }

    private struct Pending {
        let sequence: Int64
        let message: [UInt8]
        let end: End
        var answer: [UInt8]?
    }

    private enum End {
        case appended(Completion?)
        case asked(Answered)
    }

    /// The most records that wait for the state process.
    private static let mostPending = 4096
    /// Messages that are read in one turn of the loop: 200 keys each take a third of a millisecond.
    private static let messagesATurn = 4

    private let socket: PacketSocket
    private let sender = Int64.random(in: 1...Int64.max)
    private var watch: DescriptorWatch?
    private var sequence: Int64 = 0
    /// Records that may not be on the disk yet, in order.
    private var pending: [Pending] = []
    /// How many of them were sent.
    private var sent = 0
    /// `hello` was not sent yet: the socket is full of records of an earlier worker.
    private var owesHello = false
    /// The database cannot be used, for this reason; empty where it can.
    private(set) var trouble = ""
    var onKeys: KeysListener?
    /// An administrator has cancelled the request with this id.
    var onCancel: (@EventLoop (_ requestID: String) -> Void)?

    nonisolated init(_ socket: PacketSocket) {
        self.socket = socket
    }

    /// Waits until all keys are there; false if that takes longer than `milliseconds`.
    func loadKeys(milliseconds: UInt64) -> Bool {
        let began = MonotonicInstant.now
        greet()
        while MonotonicInstant.now.milliseconds(since: began) < milliseconds {
            PacketSocket.wait([socket], writing: [owesHello], milliseconds: 100)
            if owesHello { flush() }
            while let bytes = socket.receive() {
                if receive(bytes) { return true }
            }
        }
        return false
    }

    /// From here on messages are received by the loop.
    func begin() {
        watch = DescriptorWatch(
            socket.descriptor, readable: { [weak self] in self?.readable() }, writable: { [weak self] in self?.flush() }
        )
        flush()
    }

    /// Sends a record. `completion` is called once, when it is on the disk or lost; if the state process has died the record waits for the next one.
    func append(_ record: StateRecord, _ completion: Completion? = nil) {
        send(record, .appended(completion))
    }

    /// Sends a record that has an answer. `answered` is called once, when its changes are on the disk. After a loss it is not known whether it
    /// was carried out: a state process that dies loses its answers.
    func ask(_ record: StateRecord, _ answered: @escaping Answered) {
        send(record, .asked(answered))
    }

    /// At the end: waits until everything was sent, or for so long.
    func sendAll(milliseconds: UInt64) {
        let began = MonotonicInstant.now
        while owesHello || sent < pending.count, MonotonicInstant.now.milliseconds(since: began) < milliseconds {
            PacketSocket.wait([socket], writing: [true], milliseconds: 50)
            while let bytes = socket.receive() { receive(bytes) }
            flush()
        }
    }

    private func send(_ record: StateRecord, _ end: End) {
        guard pending.count < Self.mostPending else {
            return settle(
                Pending(sequence: 0, message: [], end: end),
                .failure(Loss(reason: "too many records wait for the state process")))
        }
        let message = StateMessage.append(sender: sender, sequence: sequence + 1, record).bytes
        guard message.count <= PacketSocket.longest else {
            return settle(
                Pending(sequence: 0, message: [], end: end),
                .failure(Loss(reason: "the record is longer than \(PacketSocket.longest) bytes with its message")))
        }
        sequence += 1
        pending.append(Pending(sequence: sequence, message: message, end: end))
        flush()
    }

    private func greet() {
        owesHello = true
        flush()
    }

    /// `hello` goes first: without it the state process takes records as the earlier worker's, and drops them.
    private func flush() {
        if owesHello { owesHello = socket.send(StateMessage.hello(sender: sender).bytes) == .full }
        while !owesHello, sent < pending.count {
            guard socket.send(pending[sent].message) == .sent else { break }
            sent += 1
        }
        watch?.wantsToWrite(owesHello || sent < pending.count)
    }

    private func readable() {
        for _ in 0..<Self.messagesATurn {
            guard let bytes = socket.receive() else { return }
            receive(bytes)
        }
    }

    /// Returns whether it was the last of all keys.
    @discardableResult
    private func receive(_ bytes: [UInt8]) -> Bool {
        switch StateMessage(bytes) {
        case .started:
            trouble = ""
            sent = 0
            greet()
        case .keys(sender, let isFirst, let isLast, let records):
            onKeys?(records, isFirst, isLast)
            return isLast
        case .answer(sender, let sequence, let payload):
            guard let index = pending.firstIndex(where: { $0.sequence == sequence }) else { break }
            pending[index].answer = payload
        case .done(sender, let sequence): settle(upTo: sequence, .success(()))
        case .refused(sender, let sequence, let reason): settle(upTo: sequence, .failure(Loss(reason: reason)))
        case .trouble(let reason): trouble = reason
        case .cancel(let requestID): onCancel?(requestID)
        // A message for an earlier worker, or from a process that was taken over.
        default: break
        }
        return false
    }

    private func settle(upTo sequence: Int64, _ result: Result<Void, Loss>) {
        let settled = pending.prefix { $0.sequence <= sequence }
        pending.removeFirst(settled.count)
        sent = max(0, sent - settled.count)
        for record in settled { settle(record, result) }
    }

    private func settle(_ record: Pending, _ result: Result<Void, Loss>) {
        switch record.end {
        case .appended(let completion): completion?(result)
        case .asked(let answered):
            answered(
                result.flatMap {
                    record.answer.map { .success($0) }
                        ?? .failure(Loss(reason: "the state process ended before it answered"))
                })
        }
    }
}
