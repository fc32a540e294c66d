import EventIO
import HTTP
import Hub

/// The rest of a response that began from the disk and cannot go on from there: from the store to the client, as a relayed one.
@EventLoop
final class FileTail: TransferSink {
    private static let highMark = 16 * 1024

    private var source: FileSource
    private var range: Range<Int>
    private let size: Int
    private let exchange: Exchange
    private let pool: TransferPool
    private let done: @EventLoop (Failure?) -> Void
    private var transfer: Transfer?
    private var next: FileSource?
    private var failure: Failure?
    private var isOver = false

    /// `done` is called once: with nil when all has been written.
    init(
        _ source: FileSource, _ range: Range<Int>, of size: Int, _ exchange: Exchange, pool: TransferPool,
        done: @escaping @EventLoop (Failure?) -> Void
    ) {
        self.source = source
        self.range = range
        self.size = size
        self.exchange = exchange
        self.pool = pool
        self.done = done
    }

    func start() {
        var headers: Headers = [
            "Accept-Encoding": "identity", "Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)",
        ]
        if let userAgent = source.userAgent { headers.append("User-Agent", userAgent) }
        transfer = pool.start(
            Request(method: .get, target: .root, headers: headers), url: source.url, limits: source.limits, sink: self)
    }

    /// The client takes more.
    func goOn() { transfer?.resume() }

    func cancel() {
        isOver = true
        transfer?.cancel()
    }

    func begin(_ head: Transfer.Head) {
        do throws(Failure) {
            next = try source.onward(head)
            let isRange =
                head.status == .partialContent && head.headers["Content-Encoding"] ?? "identity" == "identity"
                && head.headers["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            if next == nil, !isRange { throw .hubBroken("the store of its files did not send the rest of a file") }
        } catch {
            failure = error
        }
        if next != nil || failure != nil { transfer?.cancel() }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isOver, next == nil, failure == nil else { return true }
        guard exchange.queuedBytes < Self.highMark else { return false }
        guard bytes.count <= range.count else {
            failure = .hubBroken("the store of its files sent more bytes than a file has")
            transfer?.cancel()
            return true
        }
        unsafe exchange.write(bytes)
        range = range.lowerBound + bytes.count..<range.upperBound
        return true
    }

    func end(_ outcome: Result<Void, TransferError>) {
        transfer = nil
        EventLoop.post { self.settle(outcome) }
    }

    private func settle(_ outcome: Result<Void, TransferError>) {
        guard !isOver else { return }
        if let next = next.take(), failure == nil {
            source = next
            return start()
        }
        isOver = true
        if failure == nil, !range.isEmpty {
            failure = .hubBroken("the store of its files sent less of a file than was asked for")
        }
        done(failure)
    }
}
