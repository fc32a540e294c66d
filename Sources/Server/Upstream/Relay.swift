internal import Hub

/// Moves an answer from the Hub to the client as it comes, no faster than the client takes it. Nothing is collected:
/// bytes go from libcurl's callback to the client's connection.
@EventLoop
final class Relay: TransferSink {
    /// What becomes of an answer, as its head decides.
    enum Course {
        /// It goes to the client, with this head.
        case pass(Transfer.Head)
        /// It goes to the client with some members of its JSON rewritten, and what comes of that looked at.
        case rewrite(Transfer.Head, JSONRewriter, URLScanner)
        /// Its content is dropped: that of another place follows instead.
        case follow(ContentHop)
    }

    /// Bytes that may wait for the client before the Hub is paused: what the client's socket takes at once does not wait.
    private static let highMark = 16 * 1024
    /// As much is written at once, a TLS record.
    private static let pieceBytes = 16 * 1024

    private let exchange: Exchange
    let context: RequestContext
    private let choose: @EventLoop (Transfer.Head) throws(Failure) -> Course
    private let started = Moment.now
    private var isDropped = false
    private var rewriter: JSONRewriter?
    /// Looks at what was rewritten.
    private var scanner: URLScanner?
    /// Why the answer cannot go to the client, if it cannot; the call is cancelled then.
    private(set) var failure: Failure?
    /// Of the bytes that were left for later, those that the client has been given all the same.
    private var takenBytes = 0
    /// Content that is still to come; nil if the Hub did not say how much there is.
    private var missingBytes: Int?
    /// Where the content is, if not in this answer.
    private(set) var hop: ContentHop?
    /// Lets go of this at its end.
    var transfer: Transfer?
    /// Of the call; given back at its end.
    var place: CallPlace?
    /// Called once at the call's end, where no task waits for it.
    var onEnd: (@EventLoop (Result<Void, Failure>) -> Void)?

    init(
        to exchange: Exchange, _ context: RequestContext,
        choose: @escaping @EventLoop (Transfer.Head) throws(Failure) -> Course
    ) {
        self.exchange = exchange
        self.context = context
        self.choose = choose
        exchange.onWritable = {
            self.place?.goesOn()
            self.transfer?.resume()
        }
    }

    func begin(_ head: Transfer.Head) {
        do throws(Failure) {
            switch try choose(head) {
            case .pass(let head):
                missingBytes = head.contentLength
                start(head)
            case .rewrite(var head, let rewriter, let scanner):
                self.rewriter = rewriter
                self.scanner = scanner
                // Both are of the bytes as the Hub sent them.
                head.headers.remove("Content-Length")
                head.headers.remove("ETag")
                start(head)
            case .follow(let hop):
                self.hop = hop
                isDropped = true
            }
        } catch {
            give(up: error)
        }
    }

    /// Whether the head goes out by itself, before there is content. Not while a rewriter may yet find what must not go out: as
    /// long as nothing has, the client can be told why.
    var sendsHeadAtOnce: Bool { rewriter == nil }

    private func give(up failure: Failure) {
        self.failure = failure
        isDropped = true
        transfer?.cancel()
    }

    private func start(_ head: Transfer.Head) {
        var headers = EndToEndHeaders.downstream(head.headers)
        if head.status.allowsContent { RelayedDocument.isolate(&headers) }
        exchange.start(head.status, headers: headers, id: .beside(context.id), length: missingBytes)
        if onEnd != nil, sendsHeadAtOnce {
            EventLoop.afterEvents { self.exchange.flushHead() }
        }
    }

    func end(_ outcome: Result<Void, Failure>) {
        place.take()?.end()
        onEnd?(outcome)
        onEnd = nil
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isDropped else { return true }
        guard exchange.queuedBytes < Self.highMark else {
            place?.waitsForClient()
            return false
        }
        if rewriter != nil {
            do throws(Failure) {
                try writeRewritten(unsafe try rewriter?.rewrite(bytes) ?? [])
            } catch {
                give(up: error)
            }
            return true
        }
        guard unsafe write(bytes) else {
            place?.waitsForClient()
            return false
        }
        if let missing = missingBytes {
            missingBytes = missing - bytes.count
            // With its last byte the answer is whole to the client, who may leave at once: that must not look like a cut.
            if missing == bytes.count { finish() }
        }
        return true
    }

    /// Writes as much as the client takes. False: the bytes have to come again, since some are left.
    private func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard takenBytes < bytes.count else {
            // They come again in smaller pieces.
            takenBytes -= bytes.count
            return true
        }
        var start = takenBytes
        while start < bytes.count {
            guard exchange.queuedBytes < Self.highMark else {
                takenBytes = start
                return false
            }
            let end = min(start + Self.pieceBytes, bytes.count)
            unsafe exchange.write(UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        takenBytes = 0
        return true
    }

    /// The answer is whole.
    func finish() {
        guard !isDropped else { return }
        do throws(Failure) {
            try writeRewritten(try rewriter?.finish() ?? [])
        } catch {
            return give(up: error)
        }
        noteTime()
        exchange.finish()
    }

    /// What follows from the call's end: the answer is whole, or it throws why there is none.
    func settle(_ outcome: Result<Void, Failure>) throws(Failure) {
        defer { noteTime() }
        if case .failure(let end) = outcome { throw failure ?? end }
        finish()
        if let failure { throw failure }
    }

    private func writeRewritten(_ bytes: [UInt8]) throws(Failure) {
        guard !bytes.isEmpty else { return }
        try scanner?.scan(bytes)
        _ = unsafe bytes.withUnsafeBufferPointer { unsafe exchange.write($0) }
    }

    /// How long the Hub took, whatever came of it.
    func noteTime() {
        context.upstreamMicroseconds = context.upstreamMicroseconds ?? Moment.now.microseconds(since: started)
    }
}
