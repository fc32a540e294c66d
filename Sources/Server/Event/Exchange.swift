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
    /// How much content a response has that was begun with `start`, if that is known.
    private var contentBytes: Int?
    /// The client left, but only after all of the response.
    private var wasTaken = false
    /// A head that waits for the first content, to go out with it.
    private var unsentHead: [UInt8] = []
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
        let head = unsafe received?.pointee
        declaredLength = unsafe head.flatMap { unsafe $0.framing == CE_FRAMING_LENGTH ? $0.content_length : nil }
        hasBody = unsafe head.map { unsafe $0.framing != CE_FRAMING_NONE } ?? false && declaredLength != 0
        isHTTP10 = unsafe head?.http_1_0 ?? false
        unsafe (request, refusal) = Request.read(head, refused?.pointee)
        brokenRule = unsafe Int(refused?.pointee.number ?? 0)
        peer = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            unsafe ce_exchange_peer(pointer, text.baseAddress)
            return unsafe text.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
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
    /// Whether nothing of an answer has gone out: another may still be given.
    var canAnswer: Bool { status == nil || !unsentHead.isEmpty }

    /// Answers with a whole response. Its Content-Length, Connection and Date are added here.
    func send(_ response: Response) {
        unsentHead = []
        isChunked = false
        let hasContent = response.status.allowsContent
        var message = head(response.status, response.headers, length: hasContent ? response.body.count : nil)
        if hasContent, request.method != .head {
            message += response.body
            sentBytes += response.body.count
        }
        write(message: message)
        finish(message: nil)
    }

    /// Begins a response whose content follows by `write`: of `length` bytes, or chunked if that is not known.
    func start(_ status: Status, headers: Headers, length: Int?) {
        copy?.start(status, headers, length: length, isHead: request.method == .head)
        let mayChunk = length == nil && status.allowsContent && request.method != .head
        isChunked = mayChunk && !isHTTP10
        contentBytes = request.method == .head || !status.allowsContent ? 0 : length
        if mayChunk, isHTTP10, let pointer = unsafe pointer {
            // RFC 9112 6.3: without a length, only the connection's end says where it ends.
            unsafe ce_exchange_close_after(pointer)
        }
        var message = head(status, headers, length: length)
        if isChunked {
            message.removeLast(2)
            message += Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
        }
        unsentHead = message
    }

    /// Sends the head by itself, if no content has taken it along yet.
    func flushHead() {
        guard !unsentHead.isEmpty else { return }
        let head = unsentHead
        unsentHead = []
        write(message: head)
    }

    /// Bytes that wait for the client.
    var queuedBytes: Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_exchange_queued(pointer)
    }

    /// Writes content. Returns how many bytes wait for the client to take them.
    @discardableResult
    func write(_ content: UnsafeBufferPointer<UInt8>) -> Int {
        guard let pointer = unsafe pointer, !isGone, !content.isEmpty else { return 0 }
        sentBytes += content.count
        unsafe copy?.take(content, queued: queuedBytes)
        // Small content goes out with what frames it in one TLS record and one system call.
        var prefix = unsentHead
        unsentHead = []
        if isChunked {
            prefix += Array("\(String(content.count, radix: 16))\r\n".utf8)
        }
        if content.count <= Self.joinedBytes {
            unsafe prefix.append(contentsOf: content)
            if isChunked { prefix += [0x0D, 0x0A] }
            return write(message: prefix)
        }
        if !prefix.isEmpty { write(message: prefix) }
        let queued = unsafe ce_exchange_write(pointer, content.baseAddress, content.count)
        return isChunked ? write(message: [0x0D, 0x0A]) : queued
    }

    /// The response is complete.
    func finish() {
        copy?.finish()
        let message = unsentHead + (isChunked ? Array("0\r\n\r\n".utf8) : [])
        unsentHead = []
        finish(message: message.isEmpty ? nil : message)
    }

    /// Closes the connection in such a way that the client cannot take the response for a whole one.
    func abort() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_abort(pointer)
    }

    private func head(_ status: Status, _ headers: Headers, length: Int?) -> [UInt8] {
        self.status = status
        var head = ResponseHead(status)
        head.append(headers)
        if !headers.contains("Date") {
            head.append("Date", WallClock.now.httpDate)
        }
        if let length, !headers.contains("Content-Length") {
            head.append("Content-Length", String(length))
        }
        if let pointer = unsafe pointer, unsafe ce_exchange_closes(pointer) {
            head.append("Connection", "close")
        }
        return head.finished()
    }

    @discardableResult
    private func write(message: [UInt8]) -> Int {
        guard let pointer = unsafe pointer, !isGone else { return 0 }
        return unsafe message.withUnsafeBufferPointer { bytes in
            unsafe ce_exchange_write(pointer, bytes.baseAddress, bytes.count)
        }
    }

    private func finish(message: [UInt8]?) {
        guard let pointer = unsafe pointer else { return }
        guard !isGone else { return unsafe ce_exchange_abort(pointer) }
        if let message {
            write(message: message)
        }
        unsafe ce_exchange_finish(pointer)
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
        wasTaken = status != nil && unsentHead.isEmpty && sentBytes == contentBytes && queuedBytes == 0
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
