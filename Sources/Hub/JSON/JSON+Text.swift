extension JSON {
    /// Reads one JSON text in UTF-8. Throws `badRequest` for anything else, for a text beyond `limits`, and for a name that an
    /// object has twice, of which readers take one or the other.
    package static func parse(_ bytes: [UInt8], within limits: JSONLimits) throws(Failure) -> JSON {
        var parser = JSONParser(bytes, limits)
        return try parser.document()
    }

    /// The value as compact UTF-8, members sorted by name. Throws `internalError` for a number that JSON cannot express
    /// (infinity, NaN), which `parse` never gives.
    package func encoded() throws(Failure) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(256)
        try append(to: &output)
        return output
    }

    private func append(to output: inout [UInt8]) throws(Failure) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let flag): output += (flag ? "true" : "false").utf8
        case .integer(let number): output += "\(number)".utf8
        case .number(let number):
            guard number.isFinite else { throw .internalError("JSON cannot express \(number).") }
            output += "\(number)".utf8
        case .string(let text): Self.append(quoted: text, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                try element.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.append(quoted: member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                try member.value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// Appends `text` as a JSON string, quotes included. Only characters that must be are escaped (RFC 8259 section 7).
    package static func append(quoted text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            for index in bytes.indices {
                let byte = unsafe bytes[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
                output += escape(byte)
                start = index + 1
            }
            unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        let letter: UInt8? =
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
            case 0x08: UInt8(ascii: "b")
            case 0x09: UInt8(ascii: "t")
            case 0x0A: UInt8(ascii: "n")
            case 0x0C: UInt8(ascii: "f")
            case 0x0D: UInt8(ascii: "r")
            default: nil
            }
        guard let letter else { return Array("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]] }
        return [UInt8(ascii: "\\"), letter]
    }

    private static let hex = Array("0123456789abcdef".utf8)
}
