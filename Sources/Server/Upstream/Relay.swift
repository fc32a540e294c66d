internal import Hub

/// Moves an answer from the Hub to the client as it comes, no faster than the client takes it. Nothing is collected:
/// bytes go from libcurl's callback to the client's connection.
@EventLoop
final class Relay: TransferSink {
    /// Bytes that may wait for the client before the Hub is paused.
    private static let highMark = 256 * 1024

    private let exchange: Exchange
    private let context: RequestContext
    private let started = Moment.now
    /// Content that is still to come; nil if the Hub did not say how much there is.
    private var missingBytes: Int?
    weak var transfer: Transfer?

    init(to exchange: Exchange, _ context: RequestContext) {
        self.exchange = exchange
        self.context = context
        exchange.onWritable = { [weak self] in self?.transfer?.resume() }
    }

    func begin(_ head: Transfer.Head) {
        context.hubRequestID = head.headers["X-Request-Id"]
        missingBytes = head.headers["Content-Length"].flatMap { Int($0) }
        exchange.start(head.status, headers: EndToEndHeaders.downstream(head.headers), length: missingBytes)
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard exchange.queuedBytes < Self.highMark else { return false }
        unsafe exchange.write(bytes)
        if let missing = missingBytes {
            missingBytes = missing - bytes.count
            // With its last byte the answer is whole to the client, who may leave at once: that must not look like a cut.
            if missing == bytes.count { finish() }
        }
        return true
    }

    /// The answer is whole.
    func finish() {
        noteTime()
        exchange.finish()
    }

    /// How long the Hub took, whatever came of it.
    func noteTime() {
        context.upstreamMicroseconds = context.upstreamMicroseconds ?? Moment.now.microseconds(since: started)
    }
}
