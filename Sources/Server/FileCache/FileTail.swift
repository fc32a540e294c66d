import EventIO
import HTTP
import Hub

/// The rest of a response that began from the disk and cannot continue from there: relayed from the store to the client. It takes its place among
/// the calls under way, and waits for one as long as its client does.
@EventLoop
final class FileTail: TransferSink {
    private static let highMark = 16 * 1024
    /// How long it waits after there was no place, in milliseconds.
    private static let retryMilliseconds: UInt64 = 1000
    /// A call that brings less has failed.
    private static let leastProgress = 64 * 1024

    private var source: FileSource
    private var range: Range<Int>
    private let size: Int
    private let exchange: Exchange
    private let context: RequestContext
    private let cache: FileCache
    private let done: @EventLoop (Failure?) -> Void
    private var transfer: Transfer?
    private var place: CallPlace?
    private lazy var retry = Timer { [weak self] in self?.start() }
    /// The first byte of the present call.
    private var first = 0
    private var next: FileSource?
    private var failure: Failure?
    private var isOver = false
    /// Bytes that come after the last one that was asked for.
    private var remainder: ResponseRemainder?

    /// `done` is called once: with nil when all has been written.
    init(
        _ source: FileSource, _ range: Range<Int>, of size: Int, _ exchange: Exchange, _ context: RequestContext,
        in cache: FileCache,
        done: @escaping @EventLoop (Failure?) -> Void
    ) {
        self.source = source
        self.range = range
        self.size = size
        self.exchange = exchange
        self.context = context
        self.cache = cache
        self.done = done
    }

    func start() {
        guard !isOver else { return }
        guard let place = cache.admission.begin(context) else {
            return cache.admission.wait(context) { result in
                switch result {
                case .success(let place): self.make(at: place)
                // The head has gone out: what would be a refusal before is a wait now.
                case .failure: if !self.isOver { self.retry.start(milliseconds: Self.retryMilliseconds) }
                }
            }
        }
        make(at: place)
    }

    private func make(at place: CallPlace) {
        guard !isOver else { return place.end() }
        self.place = place
        first = range.lowerBound
        var headers: Headers = [
            "Accept-Encoding": "identity", "Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)",
        ]
        if let userAgent = source.userAgent { headers.append("User-Agent", userAgent) }
        transfer = cache.pool.start(
            Request(method: .get, target: .root, headers: headers), url: source.url, limits: source.limits, sink: self)
        transfer?.flows(to: exchange)
    }

    /// The client can take more.
    func goOn() {
        place?.goesOn()
        transfer?.resume()
    }

    func cancel() {
        isOver = true
        retry.stop()
        transfer?.cancel()
    }

    func begin(_ head: Transfer.Head) {
        do throws(Failure) {
            next = try source.onward(head)
            if next == nil, let reason = head.fault(for: range, of: size) { throw .hubBroken(reason) }
        } catch {
            failure = error
        }
        if next != nil || failure != nil { transfer?.cancel() }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isOver, next == nil, failure == nil else {
            remainder?.take(bytes.count)
            return true
        }
        guard exchange.queuedBytes < Self.highMark else {
            place?.waitsForClient()
            return false
        }
        guard bytes.count <= range.count else {
            failure = .hubBroken("the store of its files sent more bytes than a file has")
            transfer?.cancel()
            return true
        }
        unsafe exchange.write(bytes)
        range = range.lowerBound + bytes.count..<range.upperBound
        if range.isEmpty {
            // With its last byte the response is whole to the client, which may leave at once.
            isOver = true
            remainder = ResponseRemainder { self.transfer?.cancel() }
            done(nil)
        }
        return true
    }

    func end(_ outcome: Result<Void, TransferError>) {
        (transfer, remainder) = (nil, nil)
        place.take()?.end()
        EventLoop.post { self.settle() }
    }

    private func settle() {
        guard !isOver else { return }
        if let next = next.take(), failure == nil {
            source = next
            return start()
        }
        // A response ended early, in order or not: the rest is asked for.
        if failure == nil, range.lowerBound - first >= Self.leastProgress { return start() }
        isOver = true
        done(failure ?? .hubBroken("the store of its files sent less of a file than was asked for"))
    }
}
