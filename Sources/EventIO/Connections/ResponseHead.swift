package import HTTP

extension Exchange {
    /// The field that tells a client the request's id.
    package struct IDField {
        package let name: StaticString
        package let id: RequestID

        package init(name: StaticString, id: RequestID) {
            self.name = name
            self.id = id
        }
    }
}

extension ByteBuffer {
    /// A whole head. `length` is what its Content-Length says unless `headers` have one, `more` how many bytes will be put behind it.
    @EventLoop init(
        head status: Status, _ headers: Headers, _ id: Exchange.IDField?, length: Int?, closes: Bool, isChunked: Bool,
        more: Int
    ) {
        // RFC 9110 section 8.6: no length goes with 1xx and 204.
        let mayHaveLength = status.allowsContent || status == .notModified
        var headers = headers
        if !mayHaveLength { headers.remove("Content-Length") }
        self.init(status: status, headers, more: more)
        if !headers.contains("Date") {
            append(field: "Date", WallClock.now.httpDate)
        }
        if mayHaveLength, let length, !headers.contains("Content-Length") {
            append(field: "Content-Length", length)
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

    /// Begins with a response's status line and `headers` (RFC 9112 sections 4 and 5); `more` is how many bytes will follow.
    package init(status: Status, _ headers: Headers, more: Int) {
        // The rest of a head of ours takes less than 256 bytes.
        self.init(capacity: headers.bytes.count + 4 * headers.count + 256 + more)
        append("HTTP/1.1 ")
        append(decimal: status.code)
        append(UInt8(ascii: " "))
        append(status.reason)
        append("\r\n")
        append(headers, end: "\r\n")
    }

    /// Adds a field to a head. `value` must not come from outside unchecked: those go by `Headers`.
    package mutating func append(field name: StaticString, _ value: String) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    package mutating func append(field name: StaticString, _ value: Int) {
        append(name)
        append(": ")
        append(decimal: value)
        append("\r\n")
    }
}

/// Names a request in the response, the log and the call to the Hub. Unique, not secret.
package struct RequestID: Sendable {
    @EventLoop private static var count: UInt32 = 0
    fileprivate static let process = UInt32.random(in: 0...UInt32.max)

    fileprivate let number: UInt32

    @EventLoop package static func next() -> RequestID {
        count &+= 1
        return RequestID(number: count)
    }
}

extension RequestID: CustomStringConvertible {
    /// `hg-`, the process's number and that of the request, such as `hg-5f0c9d12-0000002a`.
    package var description: String {
        var text = ByteBuffer(capacity: 20)
        text.append(self)
        return unsafe text.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension ByteBuffer {
    /// The same as its description, without making a String of it.
    package mutating func append(_ id: RequestID) {
        append("hg-")
        append(hex: RequestID.process)
        append(UInt8(ascii: "-"))
        append(hex: id.number)
    }
}
