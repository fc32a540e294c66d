import HTTP
import EventIO
import Hub

/// Moves a response from the Hub to the client as it comes, no faster than the client takes it. Nothing is collected:
/// bytes go from libcurl's callback to the client's connection.
@EventLoop
final class Relay: TransferSink {
    /// What the relay does with a response, decided by its head.
    enum Action {
        /// It goes to the client, with this head.
        case pass(Transfer.Head)
        /// It goes to the client with some strings of its JSON rewritten, and what comes of that looked at. `onlyURLs`: no other string can be
        /// concerned than one that is a URL.
        case rewrite(Transfer.Head, onlyURLs: Bool, by: @EventLoop () -> (JSONRewriter, URLScanner))
        /// Its content is dropped: that of another place follows instead.
        case follow(FileRedirect)
        /// It is dropped, and who made the call asks once more in another way.
        case askAgain
    }

    /// Bytes that may wait for the client before the Hub is paused: what the client's socket takes at once does not wait.
    static let highMark = 16 * 1024
    /// As much is written at once, a TLS record.
    static let pieceBytes = 16 * 1024
    /// Of content that nobody gets so much is read, for the sake of the connection to the Hub; then the call is ended.
    private static let mostDropped = 16 * 1024
    /// And for so long.
    private static let patienceMilliseconds: UInt64 = 250

    let exchange: Exchange
    let context: RequestContext
    private let choose: @EventLoop (Transfer.Head) throws(Failure) -> Action
    private let started = MonotonicInstant.now
    private var isDropped = false
    private var droppedBytes = 0
    /// Whether the head was all that was wanted of the call, so that it does not matter how it ends.
    private var isServed = false
    /// Of a response of which nothing has come yet: what makes the next two.
    private var makeRewriter: (@EventLoop () -> (JSONRewriter, URLScanner))?
    private var onlyURLs = false
    var rewriter: JSONRewriter?
    /// Looks at what was rewritten.
    var scanner: URLScanner?
    /// Of a response that is rewritten: it goes out with the first content, when it is known what that has become.
    var waitingHead: Transfer.Head?
    /// What has become of content and has not gone out yet; nil while all of it stays.
    var gathered: [UInt8]?
    /// Why the response cannot go to the client, if it cannot; the call is cancelled then.
    private(set) var failure: Failure?
    /// Of the bytes that were left for later, those that are done all the same.
    var takenBytes = 0
    /// How long a stream of events may be silent, in milliseconds; 0: for ever.
    var eventSilence: UInt64 = 0
    private var keepAlive: EventStreamKeepAlive?
    private var patience: Timer?
    /// Content that is still to come; nil if the Hub did not say how much there is.
    var missingBytes: Int?
    /// Where the content is, if not in this response.
    private(set) var hop: FileRedirect?
    /// Nothing has been answered: another call has to be made.
    private(set) var asksAgain = false
    /// Lets go of this at its end.
    var transfer: Transfer?
    /// Of the call; given back at its end.
    var place: CallPlace?
    /// Called once at the call's end, where no task waits for it.
    var onEnd: (@EventLoop (Result<Void, Failure>) -> Void)?

    init(
        to exchange: Exchange, _ context: RequestContext,
        choose: @escaping @EventLoop (Transfer.Head) throws(Failure) -> Action
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
            case .rewrite(var head, let onlyURLs, let make):
                guard exchange.request.method != .head else {
                    // Both are of the bytes as the Hub sends them.
                    head.headers.remove("Content-Length")
                    head.headers.remove("ETag")
                    return start(head)
                }
                makeRewriter = make
                self.onlyURLs = onlyURLs
                waitingHead = head
            case .follow(let hop):
                self.hop = hop
                dropContent()
            case .askAgain:
                asksAgain = true
                dropContent()
            }
        } catch {
            give(up: error)
        }
    }

    /// The head was all that was wanted. What is announced behind it mostly comes with it, and the connection may then be kept; what does not
    /// is not waited for.
    private func dropContent() {
        (isDropped, isServed) = (true, true)
        patience = Timer { self.transfer?.cancel() }
        patience?.start(milliseconds: Self.patienceMilliseconds)
    }

    /// Whether the head goes out by itself, before there is content. Not while a rewriter may yet find what must not go out: as
    /// long as nothing has, the client can be told why.
    var sendsHeadAtOnce: Bool { rewriter == nil && makeRewriter == nil }

    func give(up failure: Failure) {
        self.failure = failure
        isDropped = true
        transfer?.cancel()
    }

    func start(_ head: Transfer.Head) {
        exchange.start(
            head.status, headers: RelayedDocument.headers(of: head), id: .beside(context.id), length: missingBytes)
        // A body that still comes in goes on to the Hub first, which may want all of it before it believes itself.
        guard exchange.takesContent || exchange.hasBody else {
            // It is whole. What the other side may send behind the head of it is none of the client's, and not fetched.
            finish()
            (isDropped, isServed) = (true, true)
            return
        }
        transfer?.flows(to: exchange)
        if eventSilence > 0, missingBytes == nil { keepAlive = .of(head, on: exchange, after: eventSilence) }
        if onEnd != nil, sendsHeadAtOnce {
            EventLoop.post { self.exchange.flushHead() }
        }
    }

    func end(_ outcome: Result<Void, TransferError>) {
        finished(outcome.mapError { Failure($0) })
    }

    /// The call has ended, or there was none.
    func finished(_ outcome: Result<Void, Failure>) {
        place.take()?.end()
        (keepAlive, patience) = (nil, nil)
        onEnd?(outcome)
        onEnd = nil
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isDropped else {
            droppedBytes += bytes.count
            if droppedBytes > Self.mostDropped { transfer?.cancel() }
            return true
        }
        guard exchange.queuedBytes < Self.highMark else {
            place?.waitsForClient()
            return false
        }
        if let make = makeRewriter.take() { unsafe decide(on: bytes, make) }
        if rewriter != nil { return unsafe takeRewritten(bytes) }
        guard unsafe write(bytes) else {
            place?.waitsForClient()
            return false
        }
        if let missing = missingBytes {
            missingBytes = missing - bytes.count
            // With its last byte the response is whole to the client, who may leave at once: that must not look like a cut.
            if missing == bytes.count {
                finish()
                return true
            }
        }
        // Else as much again would be read, only to be held.
        if exchange.queuedBytes >= Self.highMark {
            place?.waitsForClient()
            transfer?.pause()
        }
        return true
    }

    /// Most answers come in one piece and have nothing in them that could be a URL: those go out as they are.
    private func decide(
        on bytes: UnsafeBufferPointer<UInt8>, _ make: @EventLoop () -> (JSONRewriter, URLScanner)
    ) {
        if onlyURLs, let head = waitingHead, head.contentLength == bytes.count, !URLText.mayBe(in: unsafe bytes.span) {
            waitingHead = nil
            missingBytes = bytes.count
            start(head)
        } else {
            (rewriter, scanner) = make()
        }
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
            unsafe keepAlive?.note(UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        takenBytes = 0
        return true
    }

    /// The response is whole.
    func finish() {
        guard !isDropped else { return }
        do throws(Failure) {
            let tail = try rewriter?.finish() ?? []
            try scanner?.scan(tail.span)
            startRewritten(length: tail.count)
            // Nothing at all would look like the end of a chunked response.
            if !tail.isEmpty { _ = unsafe tail.withUnsafeBufferPointer { unsafe exchange.write($0) } }
        } catch {
            return give(up: error)
        }
        noteTime()
        exchange.finish()
    }

    /// What follows from the call's end: the response is whole, or it throws why there is none. `uploadFailure` is what was wrong with
    /// the request's body.
    func settle(_ outcome: Result<Void, Failure>, uploadFailure: Failure? = nil) throws(Failure) {
        defer { noteTime() }
        if case .failure(let end) = outcome, !isServed || failure != nil { throw failure ?? uploadFailure ?? end }
        if isServed, exchange.isGone { throw .clientGone }
        finish()
        if let failure { throw failure }
    }

    /// How long the Hub took, whatever came of it.
    func noteTime() {
        context.upstreamMicroseconds = context.upstreamMicroseconds ?? MonotonicInstant.now.microseconds(since: started)
    }
}
