import CEvent
package import HTTP

/// One request and the one response to it, on a client's connection.
///
/// C holds one retain from the request to the `done` event, so an exchange lives as long as its connection can call it.
/// It is answered exactly once: by `send`, by `start` … `finish`, or by `abort`; what comes after is ignored.
@EventLoop
@safe package final class Exchange {
    /// What was asked. Of a request that the request parser refused nothing is known, and `refusal` says why.
    package let request: Request
    package let refusal: RequestError?
    /// Whether it is a HEAD, also where that is all that is known of it.
    private let isHead: Bool
    /// The number of the request parser's rule that its head or body breaks; 0 is none.
    package internal(set) var brokenRule = 0
    /// The address of who connected, without a port.
    package let peer: String

    // What another target reads or sets is behind a call: the compiler cannot see that accesses to a stored property of such a
    // visibility never overlap, and asks the runtime at each.
    var answered: Status?
    var contentSent = 0
    var isLost = false
    var goneHandler: (@EventLoop () -> Void)?
    var writableHandler: (@EventLoop () -> Void)?
    var doneHandler: (@EventLoop (_ whole: Bool) -> Void)?

    /// Gets all of the response that goes out.
    package var copy: ResponseRecorder?

    nonisolated(unsafe) var pointer: OpaquePointer?
    /// Whether bytes of a body may come. A length of 0 is as good as no body.
    package let hasBody: Bool
    /// Its length if the request says one; else it is chunked.
    package let declaredLength: UInt64?
    private let isHTTP10: Bool
    private var isChunked = false
    /// Whether content may follow the head. Where RFC 9110 section 6.4.1 allows none, none goes out, whoever writes some.
    package private(set) var takesContent = true
    /// How much content a response has that was begun with `start`, if that is known.
    var contentBytes: Int?
    /// The client left, but only after all of the response.
    var wasTaken = false
    /// A head that waits for the first content, to go out with it.
    private var unsentHead: ByteBuffer?
    private static let joinedBytes = 16 * 1024
    let budget: BufferedBytes
    var sink: (any BodySink)?
    var collector: BodyCollector?

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
    /// Throws `tooLarge`, `noMemory`, `tooSlow`, `clientGone`, or what the parser found wrong with it; the connection then closes after the response.
    package func body(within bounds: BodyBounds) async throws(RequestError) -> [UInt8] {
        guard !isLost else { throw .clientGone }
        guard hasBody, let pointer = unsafe pointer else { return [] }
        if let declaredLength, declaredLength > UInt64(bounds.bytes) {
            throw .tooLarge(limit: bounds.bytes)
        }
        let collector = BodyCollector(limit: bounds.bytes, budget: budget)
        let limit = Timer {
            self.brokenRule = ParserRules.bodyTooSlow
            collector.end(.tooSlow)
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
    package func stream(into sink: any BodySink) {
        guard !isLost else { return sink.end(.clientGone) }
        // What is said to be empty has ended before it is asked for: no event follows.
        guard hasBody, let pointer = unsafe pointer else { return sink.end(nil) }
        self.sink = sink
        unsafe ce_exchange_read(pointer)
    }

    /// Goes on after the sink wanted no more for a while.
    package func readMore() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_read(pointer)
    }
}

// MARK: the response

extension Exchange {
    /// Whether nothing of a response has gone out: another may still be given.
    package var canAnswer: Bool { answered == nil || hasUnsentHead }

    var hasUnsentHead: Bool {
        switch unsentHead {
        case .some: true
        case .none: false
        }
    }

    /// Answers with a whole response. Its Content-Length, Connection and Date are added here, and `id` where it is given.
    package func send(_ response: Response, id: IDField? = nil) {
        unsentHead = nil
        isChunked = false
        contentBytes = nil
        let content = response.status.allowsContent && !isHead ? response.body.count : 0
        let length = response.status == .notModified ? nil : response.body.count
        var message = head(response.status, response.headers, id, length: length, more: content)
        if content > 0 {
            message.append(response.body.span)
            contentSent += content
        }
        finish(after: message)
    }

    /// Begins a response whose content follows by `write`: of `length` bytes, or chunked if that is not known.
    /// To HEAD, and with 304, `length` is what GET would be told, and no content is taken.
    package func start(_ status: Status, headers: Headers, id: IDField? = nil, length: Int?) {
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
    package func flushHead() {
        guard let head = unsentHead.take() else { return }
        write(head)
    }

    /// The client that a trusted proxy has named in its header of the PROXY protocol; nil where none has.
    package var announcedClient: IPNumber? {
        var client = ce_ip()
        guard let pointer = unsafe pointer, unsafe ce_exchange_announced(pointer, &client) else { return nil }
        return IPNumber(client)
    }

    /// Bytes that wait for the client.
    package var queuedBytes: Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_exchange_queued(pointer)
    }

    /// The connection's, for asking about its room; -1 without one.
    package var socket: Int32 {
        guard let pointer = unsafe pointer else { return -1 }
        return unsafe ce_exchange_socket(pointer)
    }

    /// Writes content. Returns how many bytes wait for the client to take them.
    ///
    /// What the head has not announced would be read as the next response: content where there can be none is dropped, and more than
    /// the length that was said ends the connection.
    @discardableResult
    package func write(_ content: UnsafeBufferPointer<UInt8>) -> Int {
        guard let pointer = unsafe pointer, !isLost, takesContent, !content.isEmpty else { return 0 }
        contentSent += content.count
        if let contentBytes, contentSent > contentBytes {
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
    package func finish() {
        if let contentBytes, contentSent < contentBytes { return abort() }
        copy?.finish()
        guard isChunked else { return finish(after: unsentHead.take()) }
        var message = unsentHead.take() ?? ByteBuffer(capacity: 8)
        message.append("0\r\n\r\n")
        finish(after: message)
    }

    /// Closes the connection in such a way that the client cannot take the response for a whole one.
    package func abort() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_abort(pointer)
    }

    /// `more`: how many bytes will be put behind it.
    private func head(
        _ status: Status, _ headers: Headers, _ id: IDField?, length: Int?, more: Int
    ) -> ByteBuffer {
        answered = status
        let closes = if let pointer = unsafe pointer { unsafe ce_exchange_closes(pointer) } else { false }
        return ByteBuffer(
            head: status, headers, id, length: length, closes: closes, isChunked: isChunked, more: more)
    }

    @discardableResult
    private func write(_ message: borrowing ByteBuffer) -> Int {
        guard let pointer = unsafe pointer, !isLost else { return 0 }
        return unsafe message.withBytes { bytes in unsafe ce_exchange_write(pointer, bytes.baseAddress, bytes.count) }
    }

    private func finish(after message: consuming ByteBuffer?) {
        guard let pointer = unsafe pointer else { return }
        guard !isLost else { return unsafe ce_exchange_abort(pointer) }
        guard let message else { return unsafe ce_exchange_finish(pointer, nil, 0) }
        unsafe message.withBytes { bytes in unsafe ce_exchange_finish(pointer, bytes.baseAddress, bytes.count) }
    }
}

// MARK: what its user sees

extension Exchange {
    /// The status that was answered.
    package var status: Status? { @inline(never) get { answered } }

    /// Bytes of content that were handed to the connection.
    package var sentBytes: Int { @inline(never) get { contentSent } }

    /// The client hung up or stood still: nobody reads the response any more.
    package var isGone: Bool { @inline(never) get { isLost } }

    /// Called once when that happens.
    package var onGone: (@EventLoop () -> Void)? {
        @inline(never) get { goneHandler }
        @inline(never) set { goneHandler = newValue }
    }

    /// Called when what waited for the client has gone out and more may be written.
    package var onWritable: (@EventLoop () -> Void)? {
        @inline(never) get { writableHandler }
        @inline(never) set { writableHandler = newValue }
    }

    /// Called once at the very end, with whether the whole response went out.
    package var onDone: (@EventLoop (_ whole: Bool) -> Void)? {
        @inline(never) get { doneHandler }
        @inline(never) set { doneHandler = newValue }
    }
}
