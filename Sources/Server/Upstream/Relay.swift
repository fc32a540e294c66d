internal import Hub

/// Moves an answer from the Hub to the client as it comes, no faster than the client takes it. Nothing is collected:
/// bytes go from libcurl's callback to the client's connection.
@EventLoop
final class Relay: TransferSink {
    /// Bytes that may wait for the client before the Hub is paused.
    private static let highMark = 256 * 1024

    private let exchange: Exchange
    weak var transfer: Transfer?

    init(to exchange: Exchange) {
        self.exchange = exchange
        exchange.onWritable = { [weak self] in self?.transfer?.resume() }
    }

    func begin(_ head: Transfer.Head) {
        let length = head.headers["Content-Length"].flatMap { Int($0) }
        exchange.start(head.status, headers: EndToEndHeaders.downstream(head.headers), length: length)
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard exchange.queuedBytes < Self.highMark else { return false }
        unsafe exchange.write(bytes)
        return true
    }
}
