import EventIO
import HTTP
import Hub

/// Sends the content of a response that is in memory, at the pace of its client and in turns with others: a client that does not read has a piece
/// of it waiting and no more.
@EventLoop
final class RecordedSending: LoopWork, CancellableWork {
    /// Content of so many bytes goes out at once.
    static let mostAtOnce = 64 * 1024
    /// Longer content goes in pieces, in bytes: two TLS records.
    private static let pieceBytes = 32 * 1024
    /// Bytes that may wait for the client before no more is written.
    private static let highMark = 16 * 1024

    var isQueued = false
    private let content: [UInt8]
    private let exchange: Exchange
    private let context: RequestContext
    private var position = 0
    private var isOver = false

    /// The response's head has been given to `exchange`.
    init(_ content: [UInt8], to exchange: Exchange, _ context: RequestContext) {
        (self.content, self.exchange, self.context) = (content, exchange, context)
    }

    func start() {
        context.work = self
        exchange.onWritable = { LoopTurns.shared.add(self) }
        LoopTurns.shared.add(self)
    }

    func turn() {
        guard !isOver, exchange.queuedBytes < Self.highMark else { return }
        let end = min(position + Self.pieceBytes, content.count)
        unsafe content[position..<end].withUnsafeBufferPointer { bytes in
            _ = unsafe exchange.write(bytes)
        }
        guard !isOver else { return }
        position = end
        guard position == content.count else { return LoopTurns.shared.add(self) }
        letGo()
        exchange.finish()
    }

    func cancel() {
        guard !isOver else { return }
        letGo()
        exchange.fail(.clientGone, context)
    }

    private func letGo() {
        isOver = true
        context.work = nil
        exchange.onWritable = nil
    }
}
