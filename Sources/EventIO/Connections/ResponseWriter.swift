import HTTP

/// The form of a response on the wire: its head, and the framing of its content.
///
/// The mirror of the request parser. It does no I/O: an exchange sends what it makes. No content goes out
/// where RFC 9110 section 6.4.1 allows none, and never more than the head has announced: the client would read it as the next response.
struct ResponseWriter: ~Copyable {
    /// Where the content ends (RFC 9112 section 6.3).
    enum ContentEnd: Equatable {
        /// There is none: the response to HEAD, 1xx, 204 or 304 (RFC 9110 section 6.4.1).
        case none
        /// After so many bytes.
        case length(Int)
        /// With the last chunk (RFC 9112 section 7.1).
        case chunked
        /// With the connection: HTTP/1.0 knows no chunks.
        case connection
    }

    /// The form in which a piece of content goes out.
    enum Framed: ~Copyable {
        /// Unchanged.
        case bare
        /// Inside this, in one piece: small content goes out with its framing in one TLS record and one system call.
        case joined(ByteBuffer)
        /// Between these two; the second may be empty.
        case between(ByteBuffer, StaticString)
    }

    /// Whether it answers a HEAD request.
    let isToHead: Bool
    private let isToHTTP10: Bool
    private(set) var end = ContentEnd.connection
    /// Bytes of content that were framed.
    private(set) var written = 0
    /// A head that waits for the first content, to go out with it.
    private var head: ByteBuffer?
    private static let joinedBytes = 16 * 1024
    private static let lastChunk: StaticString = "0\r\n\r\n"

    init(isToHead: Bool, isToHTTP10: Bool) {
        self.isToHead = isToHead
        self.isToHTTP10 = isToHTTP10
    }

    /// Whether content may follow the head.
    var takesContent: Bool { end != .none }

    var hasUnsentHead: Bool {
        switch head {
        case .some: true
        case .none: false
        }
    }

    /// Whether so much more content is more than the head has announced.
    func exceeds(by count: Int) -> Bool {
        if case .length(let length) = end { count > length - written } else { false }
    }

    /// Whether all the content that the head has announced was framed. Where it announced no length, only the caller knows.
    var isComplete: Bool {
        switch end {
        case .none: true
        case .length(let length): written == length
        case .chunked, .connection: false
        }
    }

    /// Whether content is missing that the head has announced.
    var isShort: Bool {
        if case .length(let length) = end { written < length } else { false }
    }

    /// Decides how the content is framed, of `length` bytes or of a length that is not known.
    mutating func begin(_ status: Status, length: Int?) {
        end =
            if !status.allowsContent || isToHead {
                .none
            } else if let length {
                .length(length)
            } else {
                isToHTTP10 ? .connection : .chunked
            }
    }

    /// Keeps the head of a response that has begun until content goes out, or it is taken. `length` is its Content-Length
    /// unless `headers` have one: to HEAD, and with 304, that of the response to GET (RFC 9110 section 8.6).
    @EventLoop
    mutating func keepHead(_ status: Status, _ headers: Headers, _ id: Exchange.IDField?, length: Int?, closes: Bool) {
        head = ByteBuffer(
            head: status, headers, id, length: length, closes: closes, isChunked: end == .chunked,
            more: min(length ?? 0, Self.joinedBytes))
    }

    /// The head that waits, to be sent now.
    mutating func takeHead() -> ByteBuffer? { head.take() }

    /// Frames a piece of content. There must be some, and `exceeds` must not hold for it.
    mutating func frame(_ content: UnsafeBufferPointer<UInt8>) -> Framed {
        written += content.count
        let isChunked = end == .chunked
        guard isChunked || hasUnsentHead else { return .bare }
        let isSmall = content.count <= Self.joinedBytes
        var message = head.take() ?? ByteBuffer(capacity: isSmall ? content.count + 32 : 32)
        if isChunked {
            message.append(String(content.count, radix: 16))
            message.append("\r\n")
        }
        guard isSmall else { return .between(message, isChunked ? "\r\n" : "") }
        unsafe message.append(content)
        if isChunked { message.append("\r\n") }
        return .joined(message)
    }

    /// The bytes after all content.
    mutating func takeEnd() -> ByteBuffer? {
        guard end == .chunked else { return head.take() }
        var message = head.take() ?? ByteBuffer(capacity: Self.lastChunk.utf8CodeUnitCount)
        message.append(Self.lastChunk)
        return message
    }

    /// A whole response, instead of a head that waits.
    @EventLoop
    mutating func whole(_ response: Response, _ id: Exchange.IDField?, closes: Bool) -> ByteBuffer {
        head = nil
        end = response.status.allowsContent && !isToHead ? .length(response.body.count) : .none
        let content = takesContent ? response.body.count : 0
        let length = response.status == .notModified ? nil : response.body.count
        var message = ByteBuffer(
            head: response.status, response.headers, id, length: length, closes: closes, isChunked: false, more: content
        )
        if content > 0 {
            message.append(response.body.span)
            written += content
        }
        return message
    }
}

extension ByteBuffer {
    /// A whole head (RFC 9112 sections 4 and 5). `length` is its Content-Length unless `headers` have one, `more` how many
    /// bytes will follow it.
    @EventLoop fileprivate init(
        head status: Status, _ headers: Headers, _ id: Exchange.IDField?, length: Int?, closes: Bool, isChunked: Bool,
        more: Int
    ) {
        // RFC 9110 section 8.6: no length goes with 1xx and 204.
        let mayHaveLength = status.allowsContent || status == .notModified
        var headers = headers
        if !mayHaveLength { headers.remove("Content-Length") }
        // The fields that are added here take less than 256 bytes.
        self.init(capacity: headers.bytes.count + 4 * headers.count + 256 + more)
        if status.code == 200 {
            append("HTTP/1.1 200 OK\r\n")
        } else {
            append("HTTP/1.1 ")
            append(decimal: status.code)
            append(UInt8(ascii: " "))
            append(status.reason)
            append("\r\n")
        }
        append(headers, end: "\r\n")
        if !headers.contains("Date") {
            let line = WallClock.now.dateLine
            append(line.span)
        }
        if mayHaveLength, let length, !headers.contains("Content-Length") {
            append("Content-Length: ")
            append(decimal: length)
            append("\r\n")
        }
        if let id {
            append(id.name)
            append(": ")
            append(id.id)
            append("\r\n")
        }
        if closes { append("Connection: close\r\n") }
        if isChunked { append("Transfer-Encoding: chunked\r\n") }
        append("\r\n")
    }
}
