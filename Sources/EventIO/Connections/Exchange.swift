import CEvent
package import HTTP

/// One request and the one response to it, on a client's connection.
///
/// C holds one retain from the request to the `done` event, so an exchange lives as long as its connection can call it.
/// It is answered exactly once: by `send`, by `start` … `finish`, or by `abort`; later calls are ignored.
@EventLoop
@safe package final class Exchange {
    /// The request. Where the request parser refused it nothing of it is known, and `refusal` says why.
    package let request: Request
    package let refusal: RequestError?
    /// The number of the request parser's rule that its head or body breaks; 0 is none.
    package internal(set) var brokenRule: Int
    /// The address that has connected, without a port.
    package let peer: String

    // Properties that other targets use are behind functions: the compiler cannot see that accesses to a stored property of such
    // visibility never overlap, and checks it at run time.
    var answered: Status?
    var isLost = false
    var ownedBy: (any ExchangeOwner)?
    var writableHandler: (@EventLoop () -> Void)?

    nonisolated(unsafe) var pointer: OpaquePointer?
    /// Whether bytes of a body may come. A length of 0 counts as no body.
    package let hasBody: Bool
    /// The body's length if the request declares one; else it is chunked.
    package let declaredLength: UInt64?
    /// The form of the response on the wire.
    var writer: ResponseWriter
    /// The client left, but only after all of the response.
    var wasTaken = false
    let budget: BufferedBytes
    var sink: (any BodySink)?
    var collector: BodyCollector?
    /// Bytes of a body that count against `budget` until the end, besides the collector's.
    var heldBytes = 0
    /// Bytes of the body that were passed on.
    var bodyBytes = 0

    init(
        _ pointer: OpaquePointer, _ received: UnsafePointer<ce_request>?, _ refused: UnsafePointer<ce_refusal>?,
        budget: BufferedBytes
    ) {
        unsafe self.pointer = pointer
        self.budget = budget
        let framing = unsafe received?.pointee.framing ?? CE_FRAMING_NONE
        declaredLength = unsafe framing == CE_FRAMING_LENGTH ? received?.pointee.content_length : nil
        hasBody = framing != CE_FRAMING_NONE && declaredLength != 0
        unsafe (request, refusal) = Request.read(received, refused)
        // Of a refused request only HEAD may be known.
        writer = unsafe ResponseWriter(
            isToHead: refused?.pointee.to_head ?? (request.method == .head),
            isToHTTP10: received?.pointee.http_1_0 ?? false)
        brokenRule = unsafe Int(refused?.pointee.number ?? 0)
        peer = unsafe String(peerOf: pointer)
        unsafe ce_exchange_accept(pointer, exchangeEvents, Unmanaged.passRetained(self).toOpaque())
    }
}

/// Gets the events at an exchange's end. An object and no closures, each of which would take memory for each request.
@EventLoop
package protocol ExchangeOwner: AnyObject {
    /// The client hung up or stood still: the response is not read any more. Called once at most, before the end.
    func clientLeft(_ exchange: Exchange)
    /// Called once at the very end. `whole`: all of the response went out.
    func ended(_ exchange: Exchange, whole: Bool)
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
        if let body = bodyAtOnce(atMost: bounds.bytes) {
            try budget.take(body.count)
            heldBytes = body.count
            return body
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

    /// The whole body, if it came with the head and has at most `limit` bytes; then no more of it comes. Nil: it has to be read.
    package func bodyAtOnce(atMost limit: Int) -> [UInt8]? {
        guard hasBody, !isLost, let length = declaredLength, length <= UInt64(max(limit, 0)),
            let pointer = unsafe pointer
        else { return nil }
        let count = Int(length)
        guard unsafe ce_exchange_holds_body(pointer, count) else { return nil }
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, taken in
            unsafe taken = ce_exchange_take_body(pointer, bytes.baseAddress, count)
            bodyBytes += taken
        }
    }

    /// Gives the body's bytes to `sink` as they come.
    package func stream(into sink: any BodySink) {
        guard !isLost else { return sink.end(.clientGone) }
        // An empty body has ended before it is asked for: no event follows.
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
    package var canAnswer: Bool { answered == nil || writer.hasUnsentHead }

    /// Answers with a whole response. Its Content-Length, Connection and Date are added here, and `id` where it is given.
    package func send(_ response: Response, id: IDField? = nil) {
        finish(after: writer.whole(response, id, closes: closes(after: response.status)))
    }

    /// Begins a response whose content follows by `write`: of `length` bytes, or of a length that is not known.
    /// To HEAD, and with 304, `length` is that of the response to GET, and content is dropped.
    package func start(_ status: Status, headers: Headers, id: IDField? = nil, length: Int?) {
        writer.begin(status, length: length)
        if writer.end == .connection, let pointer = unsafe pointer {
            unsafe ce_exchange_close_after(pointer)
        }
        writer.keepHead(status, headers, id, length: length, closes: closes(after: status))
    }

    /// Sends the head by itself, if it has not gone out with content yet.
    package func flushHead() {
        guard let head = writer.takeHead() else { return }
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

    /// The connection's socket, for asking how much room it has; -1 without one.
    package var socket: Int32 {
        guard let pointer = unsafe pointer else { return -1 }
        return unsafe ce_exchange_socket(pointer)
    }

    /// Writes content. Returns how many bytes wait for the client to take them.
    ///
    /// Content that the head has not announced would be read as the next response: it is dropped where there can be none, and more than
    /// the announced length ends the connection.
    @discardableResult
    package func write(_ content: UnsafeBufferPointer<UInt8>) -> Int {
        guard let pointer = unsafe pointer, !isLost, writer.takesContent, !content.isEmpty else { return 0 }
        guard !writer.exceeds(by: content.count) else {
            abort()
            return 0
        }
        switch unsafe writer.frame(content) {
        case .bare:
            return unsafe ce_exchange_write(pointer, content.baseAddress, content.count)
        case .joined(let message):
            return write(message)
        case .between(let before, let behind):
            write(before)
            unsafe ce_exchange_write(pointer, content.baseAddress, content.count)
            return unsafe ce_exchange_write(pointer, behind.utf8Start, behind.utf8CodeUnitCount)
        }
    }

    /// The response is complete. One that has less content than its head said is cut.
    package func finish() {
        guard !writer.isShort else { return abort() }
        finish(after: writer.takeEnd())
    }

    /// Closes the connection so that the client cannot take the response as whole.
    package func abort() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_abort(pointer)
    }

    /// Notes the response's status. Returns whether the head must say that the connection closes.
    private func closes(after status: Status) -> Bool {
        answered = status
        guard let pointer = unsafe pointer else { return false }
        return unsafe ce_exchange_closes(pointer)
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

// MARK: for other targets

extension Exchange {
    /// The status that was answered.
    package var status: Status? { @inline(never) get { answered } }

    /// Bytes of content that were handed to the connection.
    package var sentBytes: Int { @inline(never) get { writer.written } }

    /// Bytes of the request's body that have come.
    package var receivedBytes: Int { @inline(never) get { bodyBytes } }

    /// Whether content may follow the head.
    package var takesContent: Bool { @inline(never) get { writer.takesContent } }

    /// The client hung up or stood still: it reads no more of the response.
    package var isGone: Bool { @inline(never) get { isLost } }

    /// Called when bytes that waited for the client have gone out and more may be written.
    package var onWritable: (@EventLoop () -> Void)? {
        @inline(never) get { writableHandler }
        @inline(never) set { writableHandler = newValue }
    }

    /// Gets the events at the end; released then.
    package var owner: (any ExchangeOwner)? {
        @inline(never) get { ownedBy }
        @inline(never) set { ownedBy = newValue }
    }
}
