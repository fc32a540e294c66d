internal import Hub

extension ByteBuffer {
    /// Begins with a response's status line and `headers` (RFC 9112 sections 4 and 5); `more` is how many bytes will follow.
    init(status: Status, _ headers: Headers, more: Int) {
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
    mutating func append(field name: StaticString, _ value: String) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    mutating func append(field name: StaticString, _ value: Int) {
        append(name)
        append(": ")
        append(decimal: value)
        append("\r\n")
    }
}
