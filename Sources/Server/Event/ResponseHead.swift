internal import Hub

/// Writes a response's head as bytes (RFC 9112 sections 4 and 5).
struct ResponseHead {
    private var bytes: [UInt8] = []

    init(_ status: Status) {
        bytes.reserveCapacity(512)
        bytes += "HTTP/1.1 \(status.code) \(status.reason)\r\n".utf8
    }

    /// `value` must not come from outside unchecked: use `append(_: Headers)` for that.
    mutating func append(_ name: StaticString, _ value: String) {
        name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes += ": ".utf8
        bytes += value.utf8
        bytes += "\r\n".utf8
    }

    mutating func append(_ headers: Headers) {
        for index in headers.fields.indices {
            let field = headers.fields[index]
            let name = Int(field.nameStart)..<Int(field.nameStart + field.nameLength)
            let value = Int(field.valueStart)..<Int(field.valueStart + field.valueLength)
            bytes += headers.bytes[name]
            bytes += ": ".utf8
            bytes += headers.bytes[value]
            bytes += "\r\n".utf8
        }
    }

    consuming func finished() -> [UInt8] {
        bytes += "\r\n".utf8
        return bytes
    }
}
