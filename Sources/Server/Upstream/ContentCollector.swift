internal import Hub

/// Collects an upstream answer's content up to a limit.
@EventLoop
final class ContentCollector: TransferSink {
    private let limit: Int
    private var collected: [UInt8] = []
    private var isTooLarge = false

    /// `limit` is in bytes.
    init(limit: Int) {
        self.limit = limit
    }

    func begin(_ head: Transfer.Head) {}

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if collected.count + bytes.count > limit {
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
