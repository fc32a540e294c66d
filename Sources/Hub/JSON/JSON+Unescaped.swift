import HTTP

extension JSON {
    /// The text between the quotes of a JSON string, with its escapes resolved (RFC 8259 section 7). Nil for an invalid escape,
    /// for half of a surrogate pair, for a bare control byte, and for invalid UTF-8.
    package static func unescaped(_ raw: ArraySlice<UInt8>) -> String? {
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        var position = raw.startIndex
        while position < raw.endIndex {
            let byte = raw[position]
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                guard byte >= 0x20 else { return nil }
                text.append(byte)
                continue
            }
            guard position < raw.endIndex else { return nil }
            let letter = raw[position]
            position += 1
            if letter == UInt8(ascii: "u") {
                guard let scalar = scalar(raw, &position) else { return nil }
                text.append(contentsOf: String(scalar).utf8)
            } else {
                guard let byte = escaped(letter) else { return nil }
                text.append(byte)
            }
        }
        return String(validating: text, as: UTF8.self)
    }

    private static func escaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// The character after `\u`: four digits, and the second half of a surrogate pair if they are the first.
    private static func scalar(_ raw: ArraySlice<UInt8>, _ position: inout Int) -> Unicode.Scalar? {
        guard let first = unit(raw, &position) else { return nil }
        guard 0xD800..<0xDC00 ~= first else { return Unicode.Scalar(first) }
        guard raw[position...].starts(with: #"\u"#.utf8) else { return nil }
        position += 2
        guard let second = unit(raw, &position), 0xDC00..<0xE000 ~= second else { return nil }
        return Unicode.Scalar(0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private static func unit(_ raw: ArraySlice<UInt8>, _ position: inout Int) -> UInt32? {
        guard raw.endIndex - position >= 4 else { return nil }
        var unit: UInt32 = 0
        for byte in raw[position..<position + 4] {
            guard let digit = byte.hexDigit else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }
}
