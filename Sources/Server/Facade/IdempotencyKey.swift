import HTTP
import Hub

/// The key by which a client marks a repeated request (draft-ietf-httpapi-idempotency-key-header).
struct IdempotencyKey: Sendable, Equatable {
    static let field = "Idempotency-Key"
    private static let longest = 255

    let text: String

    /// Nil without the field. Its value is a string of RFC 9651 section 3.3.3, or the same without its quotes, as most clients send it.
    /// Throws `badRequest` for anything else, and for more than one.
    init?(_ headers: Headers) throws(Failure) {
        let values = headers.values(of: Self.field)
        guard let value = values.first else { return nil }
        guard values.count == 1, let text = Self.unquoted(Array(value.utf8)), (1...Self.longest).contains(text.count)
        else {
            throw .badRequest(
                "\(Self.field) must be one key of 1 to \(Self.longest) printable ASCII characters, such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\". Nothing was done."
            )
        }
        self.text = String(decoding: text, as: UTF8.self)
    }

    /// Nil for neither form.
    private static func unquoted(_ bytes: [UInt8]) -> [UInt8]? {
        let quote = UInt8(ascii: "\""), backslash = UInt8(ascii: "\\")
        guard bytes.first == quote else {
            // Characters that would begin a list or a parameter of a structured field are refused.
            let isPlain = bytes.allSatisfy { (0x21...0x7E).contains($0) && !"\"\\,;".utf8.contains($0) }
            return isPlain ? bytes : nil
        }
        guard bytes.count >= 2, bytes.last == quote else { return nil }
        var text: [UInt8] = []
        var isEscaped = false
        for byte in bytes[1..<bytes.count - 1] {
            guard (0x20...0x7E).contains(byte), isEscaped || byte != quote else { return nil }
            if isEscaped, byte != quote, byte != backslash { return nil }
            if byte == backslash, !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            text.append(byte)
        }
        return isEscaped ? nil : text
    }
}
