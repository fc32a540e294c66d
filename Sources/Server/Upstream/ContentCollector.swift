internal import Hub

/// Collects an upstream answer's content up to a limit. Of an error the beginning is kept, as its status and its fields say the most.
@EventLoop
final class ContentCollector: TransferSink {
    private let limit: Int
    private var collected: [UInt8] = []
    private var isError = false
    private var isTooLarge = false

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
        } else if !isTooLarge {
            unsafe collected.append(contentsOf: bytes)
        }
        return true
    }

    /// Throws `hubBroken` if there was more than the limit.
    func bytes() throws(Failure) -> [UInt8] {
        guard !isTooLarge else { throw .hubBroken("it is larger than \(limit) bytes") }
        return collected
    }
}
