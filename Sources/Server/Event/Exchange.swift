internal import CEvent
internal import Hub

/// One request and the one response to it, on a client's connection.
///
/// C holds one retain from the request to the `done` event, so an exchange lives as long as its connection can call it.
/// It is answered exactly once: by `send`, by `start` … `finish`, or by `abort`; what comes after is ignored.
@EventLoop
@safe final class Exchange {
    /// What was asked. Of a request that the gate refused nothing is known, and `refusal` says why.
    let request: Request
    let refusal: Failure?
    /// Whether it is a HEAD, also where that is all that is known of it.
    private let isHead: Bool
    /// The number of the gate's rule that its head or body breaks; 0 is none.
    private(set) var brokenRule = 0
    /// The client's address, without a port.
    let peer: String

    /// The status that was answered.
    private(set) var status: Status?
    /// Bytes of content that were handed to the connection.
    private(set) var sentBytes = 0
    /// The client hung up or stood still: nobody reads the answer any more.
    private(set) var isGone = false
    /// Called once when that happens.
    var onGone: (@EventLoop () -> Void)?
    /// Called when what waited for the client has gone out and more may be written.
    var onWritable: (@EventLoop () -> Void)?
    /// Called once at the very end, with whether the whole answer went out.
    var onDone: (@EventLoop (_ whole: Bool) -> Void)?

    /// Gets all of the answer that goes out.
    var copy: AnswerCopy?

    private nonisolated(unsafe) var pointer: OpaquePointer?
    /// Whether bytes of a body may come. A length of 0 is as good as no body.
    let hasBody: Bool
    /// Its length if the request says one; else it is chunked.
    let declaredLength: UInt64?
    private let isHTTP10: Bool
    private var isChunked = false
    /// Whether content may follow the head. Where RFC 9110 section 6.4.1 allows none, none goes out, whoever writes some.
    private(set) var takesContent = true
    /// How much content a response has that was begun with `start`, if that is known.
    private var contentBytes: Int?
    /// The client left, but only after all of the response.
    private var wasTaken = false
    /// A head that waits for the first content, to go out with it.
    private var unsentHead: ByteBuffer?
    private static let joinedBytes = 16 * 1024
    private let budget: BufferedBytes
    private var sink: (any BodySink)?
    private var collector: BodyCollector?

    init(
        _ pointer: OpaquePointer, _ received: UnsafePointer<ce_request>?, _ refused: UnsafePointer<ce_refusal>?,
        budget: BufferedBytes
    ) {
        unsafe self.pointer = pointer
        self.budget = budget
        let framing = unsafe received?.pointee.framing ?? CE_FRAMING_NONE
        declaredLength = unsafe framing == CE_FRAMING_LENGTH ? received?.pointee.content_length : nil
        hasBody = framing != CE_FRAMING_NONE && declaredLength != 0
        isHTTP10 = unsafe received?.pointee.http_1_0 ?? false
        unsafe (request, refusal) = Request.read(received, refused)
        isHead = unsafe refused?.pointee.to_head ?? (request.method == .head)
        brokenRule = unsafe Int(refused?.pointee.number ?? 0)
        peer = unsafe String(peerOf: pointer)
        unsafe ce_exchange_accept(pointer, exchangeEvents, Unmanaged.passRetained(self).toOpaque())
    }
}

// MARK: the request's body

extension Exchange {
    /// Collects the whole body.
    /// Throws `payloadTooLarge`, `tooBusy`, `refused` (408), `clientGone`, or what the gate found wrong with it; the connection then closes after the answer.
    func body(within bounds: BodyBounds) async throws(Failure) -> [UInt8] {
        guard !isGone else { throw .clientGone }
        guard hasBody, let pointer = unsafe pointer else { return [] }
        if let declaredLength, declaredLength > UInt64(bounds.bytes) {
            throw .payloadTooLarge(limit: bounds.bytes)
        }
        let collector = BodyCollector(limit: bounds.bytes, budget: budget)
        let limit = Timer {
            self.brokenRule = GateRules.bodyTooSlow
            collector.end(.bodyTooSlow)
        }
        limit.start(milliseconds: bounds.milliseconds)
        sink = collector
        unsafe ce_exchange_read(pointer)
        self.collector = collector
        defer {
            sink = nil
            limit.stop()
        }
        return try await collector.collected()
    }

    /// Gives the body's bytes to `sink` as they come.
    func stream(into sink: any BodySink) {
        guard !isGone else { return sink.end(.clientGone) }
        // What is said to be empty has ended before it is asked for: no event follows.
        guard hasBody, let pointer = unsafe pointer else { return sink.end(nil) }
        self.sink = sink
        unsafe ce_exchange_read(pointer)
    }

    /// Goes on after the sink wanted no more for a while.
    func readMore() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_read(pointer)
    }
}

// MARK: the response

extension Exchange {
    /// The field that tells a client the request's id.
    struct IDField {
        let name: StaticString
        let id: RequestID

        /// Of an answer that is all our own.
        static func own(_ id: RequestID) -> IDField { IDField(name: "X-Request-Id", id: id) }
        /// The Hub's own request id keeps the usual field; ours is how the log's line is found.
        static func beside(_ id: RequestID) -> IDField { IDField(name: "X-Hubgate-Request-Id", id: id) }
    }

    /// Whether nothing of an answer has gone out: another may still be given.
    var canAnswer: Bool { status == nil || hasUnsentHead }

    private var hasUnsentHead: Bool {
        switch unsentHead {
        case .some: true
        case .none: false
        }
    }

    /// Answers with a whole response. Its Content-Length, Connection and Date are added here, and `id` where it is given.
    func send(_ response: Response, id: IDField? = nil) {
        unsentHead = nil
        isChunked = false
        contentBytes = nil
        let content = response.status.allowsContent && !isHead ? response.body.count : 0
        let length = response.status == .notModified ? nil : response.body.count
        var message = head(response.status, response.headers, id, length: length, more: content)
        if content > 0 {
            message.append(response.body.span)
            sentBytes += content
        }
        finish(after: message)
    }

    /// Begins a response whose content follows by `write`: of `length` bytes, or chunked if that is not known.
    /// To HEAD, and with 304, `length` is what GET would be told, and no content is taken.
    func start(_ status: Status, headers: Headers, id: IDField? = nil, length: Int?) {
        copy?.start(status, headers, length: length, isHead: isHead)
        takesContent = status.allowsContent && !isHead
        let mayChunk = length == nil && takesContent
        isChunked = mayChunk && !isHTTP10
        contentBytes = takesContent ? length : 0
        if mayChunk, isHTTP10, let pointer = unsafe pointer {
            // RFC 9112 6.3: without a length, only the connection's end says where it ends.
            unsafe ce_exchange_close_after(pointer)
        }
        unsentHead = head(status, headers, id, length: length, more: min(length ?? 0, Self.joinedBytes))
    }

    /// Sends the head by itself, if no content has taken it along yet.
    func flushHead() {
        guard let head = unsentHead.take() else { return }
        write(head)
    }

    /// Bytes that wait for the client.
    var queuedBytes: Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_exchange_queued(pointer)
    }

    /// The connection's, for asking about its room; -1 without one.
    var socket: Int32 {
        guard let pointer = unsafe pointer else { return -1 }
        return unsafe ce_exchange_socket(pointer)
    }

    /// Writes content. Returns how many bytes wait for the client to take them.
    ///
    /// What the head has not announced would be read as the next response: content where there can be none is dropped, and more than
    /// the length that was said ends the connection.
    @discardableResult
    func write(_ content: UnsafeBufferPointer<UInt8>) -> Int {
        guard let pointer = unsafe pointer, !isGone, takesContent, !content.isEmpty else { return 0 }
        sentBytes += content.count
        if let contentBytes, sentBytes > contentBytes {
            abort()
            return 0
        }
        unsafe copy?.take(content, queued: queuedBytes)
        guard isChunked || hasUnsentHead else {
            return unsafe ce_exchange_write(pointer, content.baseAddress, content.count)
        }
        // Small content goes out with what frames it in one TLS record and one system call.
        let isSmall = content.count <= Self.joinedBytes
        var message = unsentHead.take() ?? ByteBuffer(capacity: isSmall ? content.count + 32 : 32)
        if isChunked {
            message.append(String(content.count, radix: 16))
            message.append("\r\n")
        }
        if isSmall {
            unsafe message.append(content)
            if isChunked { message.append("\r\n") }
            return write(message)
        }
        write(message)
        let queued = unsafe ce_exchange_write(pointer, content.baseAddress, content.count)
        return isChunked ? unsafe ce_exchange_write(pointer, [0x0D, 0x0A], 2) : queued
    }

    /// The response is complete. One that has less content than its head said is cut.
    func finish() {
        if let contentBytes, sentBytes < contentBytes { return abort() }
        copy?.finish()
        guard isChunked else { return finish(after: unsentHead.take()) }
        var message = unsentHead.take() ?? ByteBuffer(capacity: 8)
        message.append("0\r\n\r\n")
        finish(after: message)
    }

    /// Closes the connection in such a way that the client cannot take the response for a whole one.
    func abort() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_abort(pointer)
    }

    /// `more`: how many bytes will be put behind it.
    private func head(
        _ status: Status, _ headers: Headers, _ id: IDField?, length: Int?, more: Int
    ) -> ByteBuffer {
        self.status = status
        // RFC 9110 section 8.6: no length goes with 1xx and 204.
        let mayHaveLength = status.allowsContent || status == .notModified
        var headers = headers
        if !mayHaveLength { headers.remove("Content-Length") }
        var head = ByteBuffer(status: status, headers, more: more)
        if !headers.contains("Date") {
            head.append(field: "Date", WallClock.now.httpDate)
        }
        if mayHaveLength, let length, !headers.contains("Content-Length") {
            head.append(field: "Content-Length", length)
        }
        if let id {
            head.append(id.name)
            head.append(": ")
            head.append(id.id)
            head.append("\r\n")
        }
        if let pointer = unsafe pointer, unsafe ce_exchange_closes(pointer) {
            head.append("Connection: close\r\n")
        }
        if isChunked {
            head.append("Transfer-Encoding: chunked\r\n")
        }
        head.append("\r\n")
        return head
    }

    @discardableResult
    private func write(_ message: borrowing ByteBuffer) -> Int {
        guard let pointer = unsafe pointer, !isGone else { return 0 }
        return unsafe message.withBytes { bytes in unsafe ce_exchange_write(pointer, bytes.baseAddress, bytes.count) }
    }

    private func finish(after message: consuming ByteBuffer?) {
        guard let pointer = unsafe pointer else { return }
        guard !isGone else { return unsafe ce_exchange_abort(pointer) }
        guard let message else { return unsafe ce_exchange_finish(pointer, nil, 0) }
        unsafe message.withBytes { bytes in unsafe ce_exchange_finish(pointer, bytes.baseAddress, bytes.count) }
    }
}

// MARK: what C tells, by `exchangeEvents`

extension Exchange {
    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        if unsafe sink?.take(bytes) == false, let pointer = unsafe pointer {
            unsafe ce_exchange_pause(pointer)
        }
    }

    func receivedAll() {
        sink?.end(nil)
    }

    func left(_ why: ce_gone, _ refusal: ce_refusal?) {
        if why == CE_GONE_BODY_REFUSED {
            brokenRule = unsafe Int(refusal?.number ?? 0)
            sink?.end(unsafe refusal.map { unsafe Failure($0) } ?? .badRequest("The body could not be read."))
            return
        }
        isGone = true
        wasTaken = status != nil && !hasUnsentHead && sentBytes == contentBytes && queuedBytes == 0
        sink?.end(.clientGone)
        // Who has the last byte may leave before we have noticed that it was the last: `finish` is about to be called.
        guard !wasTaken else { return }
        onGone?()
        onGone = nil
        if status != nil {
            abort()
        }
    }

    func wrote() {
        onWritable?()
    }

    func ended(whole: Bool) {
        let whole = whole || wasTaken
        unsafe pointer = nil
        isGone = isGone || !whole
        sink?.end(.clientGone)
        if let collector { budget.giveBack(collector.heldBytes) }
        collector = nil
        if !whole { onGone?() }
        onDone?(whole)
        (onGone, onWritable, onDone, sink) = (nil, nil, nil, nil)
    }
}
