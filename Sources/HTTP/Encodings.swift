/// Percent-encoding of path segments (RFC 3986 section 2.1).
package enum PercentEncoding {
    /// Encodes everything but unreserved characters, so also `/`: the result is one segment.
    package static func encode(segment: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(segment.utf8.count)
        for byte in segment.utf8 {
            if byte.isASCIIAlphanumeric || unreservedMarks.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes every well-formed escape and keeps the rest unchanged; bytes that are not UTF-8 become U+FFFD.
    package static func decode(_ text: some Sequence<UInt8>) -> String {
        let bytes = Array(text)
        guard bytes.contains(UInt8(ascii: "%")) else { return String(decoding: bytes, as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = bytes[index + 1].hexDigit, let low = bytes[index + 2].hexDigit
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static let unreservedMarks = Array("-._~".utf8)
    private static let digits = Array("0123456789ABCDEF".utf8)
}

/// Base64 in the form of credentials (RFC 4648 section 4).
package enum Base64 {
    private static let characters = Base64Characters(last: "+/")

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        let text = characters.encode(Array(bytes))
        return String(decoding: text, as: UTF8.self) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }

    /// Nil for another character, a wrong length, or spare bits that are set.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var end = text.count
        while end > 0, text.count - end < 2, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        return characters.decode(text.extracting(0..<end))
    }
}

/// Base64 in the alphabet that needs no escape in a path (RFC 4648 section 5), without padding.
package enum Base64URL {
    private static let characters = Base64Characters(last: "-_")

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: characters.encode(Array(bytes)), as: UTF8.self)
    }

    /// Nil for text that `encode` cannot have made: another character, a length that fits no bytes, spare bits that are set.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? { characters.decode(Array(text).span) }
}

/// The 64 characters of an alphabet. For arrays and spans: a generic function is not specialized for another module.
private struct Base64Characters {
    private static let other: UInt8 = 0xFF

    private let alphabet: [UInt8]
    /// By character; `other` for one that is not in the alphabet.
    private let values: [UInt8]

    init(last: StaticString) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(last)".utf8)
        var values = [UInt8](repeating: Self.other, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        self.alphabet = alphabet
        self.values = values
    }

    /// Without padding.
    func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 4 / 3 + 3)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> count & 63)])
            }
            bits &= (1 << count) - 1
        }
        if count > 0 { text.append(alphabet[Int(bits << (6 - count) & 63)]) }
        return text
    }

    /// For text without padding; nil for another character, a length that fits no bytes, spare bits that are set.
    func decode(_ text: Span<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for index in text.indices {
            let value = values[Int(text[index])]
            guard value != Self.other else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(bits >> count & 255))
            }
            bits &= (1 << count) - 1
        }
        return count < 6 && bits == 0 ? bytes : nil
    }
}
