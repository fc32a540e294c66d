import EventIO

/// One line of the audit: a JSON object (RFC 8259) with `n` and `prev` first, so that a line can be checked without being read as JSON.
///
/// `prev` is the SHA-256 of the line before, without its line feed: no line can be changed, taken out or moved without the next one saying so.
enum AuditLine {
    /// What the state process adds to a record; its sender has no say in it.
    struct Origin: Equatable, Sendable {
        /// Names this start of the gateway.
        let run: String
        /// Which worker sent it; 0: the state process itself.
        var worker = 0
        /// Which client of the state sent it, and its number among that one's records: a record that is sent again has the same two.
        var sender: Int64 = 0
        var sequence: Int64 = 0

        /// Nil for a line of the state process's own.
        var record: AuditLineHead.Record? {
            sender == 0 ? nil : AuditLineHead.Record(sender: sender, sequence: sequence)
        }

        /// As written in the line; nil for a line of the state process's own.
        var id: String? { record == nil ? nil : String(UInt64(bitPattern: sender), radix: 16) + "-\(sequence)" }
    }

    /// Without its line feed. `microseconds` since 1970.
    static func bytes(
        _ record: AuditRecord, _ number: Int64, after previous: [UInt8], microseconds: Int, from origin: Origin
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(512)
        line += "{\"n\":\(number),\"prev\":\"".utf8
        line += Hex.text(previous)
        line += "\",\"time\":\"\(time(microseconds))\",\"kind\":\"\(record.kind.name)\",\"run\":\"".utf8
        line += origin.run.utf8
        line += "\",\"worker\":\(origin.worker)".utf8
        if let id = origin.id { line += ",\"record\":\"\(id)\"".utf8 }
        for field in AuditField.allCases {
            guard let value = record.values[field] else { continue }
            line += ",\"\(field.name)\":".utf8
            append(value, to: &line)
        }
        line.append(UInt8(ascii: "}"))
        return line
    }

    static func hash(_ line: [UInt8]) -> [UInt8] { MessageDigest.sha256(line) }

    /// RFC 3339 with microseconds, in UTC.
    static func time(_ microseconds: Int) -> String {
        let rest = String(microseconds % 1_000_000 + 1_000_000).dropFirst()
        return WallClock.iso8601(Int64(microseconds / 1_000_000)).dropLast() + ".\(rest)Z"
    }

    private static func append(_ value: AuditRecord.Value, to line: inout [UInt8]) {
        switch value {
        case .text(let text): append(quoted: text, to: &line)
        case .number(let number): line += "\(number)".utf8
        case .list(let list):
            line.append(UInt8(ascii: "["))
            for (index, text) in list.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                append(quoted: text, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        }
    }

    /// Escapes what could end the string or the line, and characters that a terminal or an editor obeys or hides (RFC 8259 section 7).
    private static func append(quoted text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        let isPlain = text.utf8.allSatisfy {
            (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain {
            line += text.utf8
        } else {
            for scalar in text.unicodeScalars { append(scalar, to: &line) }
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func append(_ scalar: Unicode.Scalar, to line: inout [UInt8]) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            for unit in UTF16.encode(scalar) ?? .init() {
                line += "\\u".utf8
                line += Hex.text([UInt8(unit >> 8), UInt8(unit & 0xFF)])
            }
        default:
            if scalar == "\"" || scalar == "\\" { line.append(UInt8(ascii: "\\")) }
            line += String(scalar).utf8
        }
    }
}

/// Bytes as hexadecimal digits in small letters.
enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: [UInt8]) -> [UInt8] { bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] } }

    /// Nil for what `text` cannot have made.
    static func bytes(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var index = text.startIndex
        while index < text.endIndex {
            guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
