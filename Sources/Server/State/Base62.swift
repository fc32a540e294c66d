/// Numbers and random texts in digits and letters, which a double click selects whole and no shell or URL changes.
enum Base62 {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func value(of character: UInt8) -> UInt64? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character &- UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(character &- UInt8(ascii: "A")) &+ 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(character &- UInt8(ascii: "a")) &+ 36
        default: nil
        }
    }

    /// Of at most 10 characters, so that it cannot overflow. Nil for another character.
    static func number(_ text: Span<UInt8>) -> UInt64? {
        guard text.count <= 10 else { return nil }
        var number: UInt64 = 0
        for index in text.indices {
            guard let value = value(of: text[index]) else { return nil }
            number = number &* 62 &+ value
        }
        return number
    }

    static func isWritten(_ text: Span<UInt8>) -> Bool {
        for index in text.indices where value(of: text[index]) == nil { return false }
        return true
    }

    /// The last `length` digits.
    static func text(_ number: UInt64, length: Int) -> [UInt8] {
        var rest = number
        var text: [UInt8] = []
        for _ in 0..<length {
            text.append(alphabet[Int(rest % 62)])
            rest /= 62
        }
        return text.reversed()
    }

    /// Each character with the same probability: bytes above the last multiple of 62 are thrown away.
    static func random(_ length: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var text: [UInt8] = []
        while text.count < length {
            // getrandom(2), by the standard library.
            let byte = UInt8.random(in: 0...255, using: &generator)
            if byte < 248 { text.append(alphabet[Int(byte % 62)]) }
        }
        return text
    }
}

/// CRC-32 of ISO 3309, as in zip and PNG: finds every change within 32 neighbouring bits, so each wrong character and each two that
/// were swapped.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }

    static func of(_ bytes: Span<UInt8>) -> UInt32 {
        let table = table
        var sum: UInt32 = 0xFFFF_FFFF
        for index in bytes.indices { sum = sum >> 8 ^ table[Int((sum ^ UInt32(bytes[index])) & 0xFF)] }
        return ~sum
    }
}
