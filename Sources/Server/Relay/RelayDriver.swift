import EventIO
import HTTP
import Hub

/// Answers a client by a call to another server, or by one after another where the first leads on: the body goes up and the response comes down as
/// they come, no faster than the other side takes them. Nothing is collected: bytes go from the transfer's callback to the client's connection,
/// and to the sink of those who wait for the same.
///
/// Callbacks move it on; there is no task. All that it starts, it starts outside of C's callbacks.
@EventLoop
final class RelayDriver: TransferSink, CancellableWork {
    /// Bytes that may wait for the client before the transfer is paused: what the client's socket takes at once does not wait.
    static let highMark = 16 * 1024
    /// As much is written at once, a TLS record.
    static let pieceBytes = 16 * 1024
    /// Of content that nobody gets so much is read, for the sake of the connection to the server; then the call is ended.
    private static let mostDropped = 16 * 1024

    let exchange: Exchange
    let context: RequestContext
    private let pool: TransferPool
    private let admission: CallAdmission
    private let started = MonotonicInstant.now
    private var call: RelayedCall
    /// The call that follows on this one.
    private var next: RelayedCall?
    private var upload: UploadPump?
    private(set) var transfer: Transfer?
    /// Of the call; given back at its end.
    private(set) var place: CallPlace?
    private var isDropped = false
    private var droppedBytes = 0
    /// Whether the head was all that was wanted of the call, so that it does not matter how it ends.
    private var isServed = false
    /// The client has been answered in another way, or has left; others still wait for the response.
    private var isDetached = false
    private var isFinished = false
    private var hasEnded = false
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
    private var failure: Failure?
    /// Of the bytes that were left for later, those that are done all the same.
    var takenBytes = 0
    /// Content that is still to come; nil if the head did not say how much there is.
    var missingBytes: Int?

    init(
        _ call: RelayedCall, _ exchange: Exchange, _ context: RequestContext, pool: TransferPool,
        admission: CallAdmission
    ) {
        self.call = call
        self.exchange = exchange
        self.context = context
        self.pool = pool
        self.admission = admission
        exchange.onWritable = {
            self.place?.goesOn()
            self.transfer?.resume()
        }
    }
}

// MARK: the calls

extension RelayDriver {
    /// Begins with the call. The exchange is answered by callbacks from here on.
    func start() {
        context.work = self
        guard call.sendsBody else { return enter() }
        let upload = UploadPump(from: exchange)
        self.upload = upload
        upload.begin { [self] failure in
            guard !hasEnded else { return }
            if let failure { return fail(failure) }
            enter()
        }
    }

    /// Makes the call when it is its turn.
    private func enter() {
        guard !context.isCancelled else { return fail(.clientGone) }
        if let place = admission.begin(context) { return make(at: place) }
        admission.wait(context) { [self] result in
            switch result {
            case .success(let place): make(at: place)
            case .failure(let failure): fail(failure)
            }
        }
    }

    private func make(at place: CallPlace) {
        self.place = place
        var stream: TransferPool.Stream?
        if call.sendsBody, let upload {
            if let body = upload.whole {
                call.request.body = body
            } else {
                stream = TransferPool.Stream(length: exchange.declaredLength)
            }
        }
        let transfer = pool.start(
            call.request, url: call.url, authorization: call.credential?.authorization, limits: call.limits,
            stream: stream, sink: self)
        self.transfer = transfer
        if stream != nil { upload?.go(on: transfer, at: place) }
    }

    /// The client has left, or the request has to end for another reason (RFC 9110 has no word for it: 499 in the log).
    func cancel() {
        if let sink = context.sink, sink.isWanted, !context.makesWay, next == nil, transfer != nil {
            isDetached = true
            exchange.fail(.clientGone, context)
            sink.outlivesClient { [weak self] in self?.transfer?.cancel() }
            transfer?.resume()
        } else if let transfer {
            transfer.cancel()
        } else if upload?.hasBegun == false {
            fail(.clientGone)
        }
    }

    func end(_ outcome: Result<Void, TransferError>) {
        place.take()?.end()
        transfer = nil
        if let next = next.take(), failure == nil {
            return EventLoop.post { self.follow(next) }
        }
        settle(outcome)
    }

    private func follow(_ next: RelayedCall) {
        call = next
        (isDropped, droppedBytes, isServed) = (false, 0, false)
        enter()
    }

    /// What follows from the last call's end: the response is whole, or why there is none.
    private func settle(_ outcome: Result<Void, TransferError>) {
        if failure == nil, !isServed, case .failure(let error) = outcome {
            failure = upload?.failure ?? Failure(error)
        }
        if failure == nil, isServed, exchange.isGone { failure = .clientGone }
        if failure == nil { finish() }
        if let failure { return fail(failure) }
        letGo()
    }

    private func fail(_ failure: Failure) {
        let failure = failure.at(call.server)
        noteTime()
        let isOfClient = context.isCancelled || failure.kind == .clientGone
        context.sink?.fail(isOfClient ? nil : failure)
        if !isDetached { exchange.fail(failure, context) }
        letGo()
    }

    private func letGo() {
        hasEnded = true
        (context.work, context.sink) = (nil, nil)
        upload = nil
    }

    /// How long the server took, whatever came of it.
    private func noteTime() {
        context.upstreamMicroseconds = context.upstreamMicroseconds ?? MonotonicInstant.now.microseconds(since: started)
    }
}

// MARK: the response

extension RelayDriver {
    func begin(_ head: Transfer.Head) {
        do throws(Failure) {
            switch try call.choose(head) {
            case .pass(let head):
                missingBytes = head.contentLength
                start(head)
            case .rewrite(let head, let onlyURLs, let make):
                beginRewriting(head, onlyURLs, make)
            case .answer(let head):
                missingBytes = head.contentLength
                start(head)
                serve()
            case .call(let next):
                self.next = next
                (isDropped, isServed) = (true, true)
            }
        } catch {
            giveUp(error)
        }
    }

    private func beginRewriting(
        _ head: Transfer.Head, _ onlyURLs: Bool, _ make: @escaping @EventLoop () -> (JSONRewriter, URLScanner)
    ) {
        guard exchange.request.method != .head else {
            // Both are of the bytes as the Hub sends them.
            var head = head
            head.headers.remove("Content-Length")
            head.headers.remove("ETag")
            return start(head)
        }
        makeRewriter = make
        self.onlyURLs = onlyURLs
        waitingHead = head
    }

    /// Whether the head goes out by itself, before there is content. Not while a rewriter may yet find what must not go out: as
    /// long as nothing has, the client can be told why.
    private var sendsHeadAtOnce: Bool { rewriter == nil && makeRewriter == nil }

    func giveUp(_ failure: Failure) {
        self.failure = failure
        isDropped = true
        transfer?.cancel()
    }

    func start(_ head: Transfer.Head) {
        let headers = RelayedDocument.headers(of: head)
        context.sink?.begin(head.status, headers, length: missingBytes, isHead: exchange.request.method == .head)
        if !isDetached {
            exchange.start(head.status, headers: headers, id: .beside(context.id), length: missingBytes)
        }
        // A body that still comes in goes on to the Hub first, which may want all of it before it believes itself.
        guard exchange.takesContent || exchange.hasBody else { return serve() }
        if context.sink == nil { transfer?.flows(to: exchange) }
        if sendsHeadAtOnce {
            EventLoop.post { self.exchange.flushHead() }
        }
    }

    /// It is whole. What the other side may send behind the head of it is none of the client's, and not fetched.
    private func serve() {
        finish()
        (isDropped, isServed) = (true, true)
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isDropped else {
            droppedBytes += bytes.count
            if droppedBytes > Self.mostDropped { transfer?.cancel() }
            return true
        }
        guard hasRoom else {
            place?.waitsForClient()
            return false
        }
        if let make = makeRewriter.take() { unsafe decide(on: bytes, make) }
        if rewriter != nil { return unsafe takeRewritten(bytes) }
        guard unsafe writePieces(bytes) else {
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
        if !hasRoom {
            place?.waitsForClient()
            transfer?.pause()
        }
        return true
    }

    /// Whether more may be written. Those who wait for the same do not wait for this client: as much as is recorded may wait for it.
    var hasRoom: Bool {
        isDetached || exchange.queuedBytes < Self.highMark || context.sink?.isRecording == true
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

    /// Writes as much as there is room for. False: the bytes have to come again, since some are left.
    private func writePieces(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard takenBytes < bytes.count else {
            // They come again in smaller pieces.
            takenBytes -= bytes.count
            return true
        }
        var start = takenBytes
        while start < bytes.count {
            guard hasRoom else {
                takenBytes = start
                return false
            }
            let end = min(start + Self.pieceBytes, bytes.count)
            unsafe write(UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        takenBytes = 0
        return true
    }

    func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe context.sink?.take(bytes)
        if !isDetached { _ = unsafe exchange.write(bytes) }
    }

    /// The response is whole.
    func finish() {
        guard !isDropped, !isFinished else { return }
        do throws(Failure) {
            let tail = try rewriter?.finish() ?? []
            try scanner?.scan(tail.span)
            startRewritten(length: tail.count)
            // Nothing at all would look like the end of a chunked response.
            if !tail.isEmpty { unsafe tail.withUnsafeBufferPointer { unsafe write($0) } }
        } catch {
            return giveUp(error)
        }
        isFinished = true
        noteTime()
        context.sink?.finish()
        if !isDetached { exchange.finish() }
    }
}
