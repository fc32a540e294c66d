internal import Hub

/// Collects an upstream answer's content up to a limit. Of an error the beginning is kept, as its status and its fields say the most.
@EventLoop
final class ContentCollector: TransferSink {
    private let limit: Int
    private var collected: [UInt8] = []
    private var isError = false
    private var isTooLarge = false
    private var isOverdue = false
    /// Is ended when no more of it is wanted.
    var transfer: Transfer?

    /// `limit` is in bytes, of a successful answer.
    init(limit: Int) {
        self.limit = limit
    }

    func begin(_ head: Transfer.Head) {
        isError = !head.status.isSuccess
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if isError {
            unsafe collected.append(contentsOf: bytes.prefix(max(0, JSONLimits.reply.bytes - collected.count)))
        } else if collected.count + bytes.count > limit {
            isTooLarge = true
            collected = []
            transfer?.cancel()
        } else if !isTooLarge {
            unsafe collected.append(contentsOf: bytes)
        }
        return true
    }

    /// It has taken too long in all, however steadily it comes.
    func giveUp() {
        isOverdue = true
        transfer?.cancel()
    }

    func end(_ outcome: Result<Void, Failure>) { transfer = nil }

    /// All of it, when it has ended. Throws `hubBroken` if there was more than the limit, `hubTooSlow`, or why it is not whole.
    func bytes(_ outcome: Result<Void, Failure> = .success(())) throws(Failure) -> [UInt8] {
        guard !isTooLarge else { throw .hubBroken("it is larger than \(limit) bytes") }
        if isOverdue { throw .hubTooSlow("the answer was not whole within the time limit") }
        try outcome.get()
        return collected
    }
}
