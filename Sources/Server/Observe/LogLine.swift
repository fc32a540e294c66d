import EventIO

/// One line of the log, of named values. It is built as bytes: building it of Strings cost more than the rest of a small response.
struct LogLine: ~Copyable {
    private let form: LogEncoding
    private var bytes = ByteBuffer(capacity: 384)

    init(_ form: LogEncoding) {
        self.form = form
        if form != .text { bytes.append(UInt8(ascii: "{")) }
    }

    mutating func add(_ name: StaticString, _ value: String) {
        begin(name)
        quoted { line in line.append(value, blank: line.form == .text) }
    }

    /// A value of our own without characters to escape.
    mutating func add(_ name: StaticString, plain value: String) {
        begin(name)
        if form != .text { bytes.append(quoted: value) } else { bytes.append(value) }
    }

    mutating func add(_ name: StaticString, _ id: RequestID) {
        begin(name)
        quoted { line in line.bytes.append(id) }
    }

    /// A sentence of our own, the last value of its line: in the text format it is not quoted.
    mutating func add(_ name: StaticString, sentence: String) {
        begin(name)
        quoted { line in line.append(sentence, blank: false) }
    }

    private mutating func quoted(_ body: (inout LogLine) -> Void) {
        if form != .text { bytes.append(Self.quote) }
        body(&self)
        if form != .text { bytes.append(Self.quote) }
    }

    mutating func add(_ name: StaticString, _ value: Int) {
        begin(name)
        bytes.append(decimal: value)
    }

    /// Microseconds in the format's own unit: ours is milliseconds with one decimal.
    mutating func add(_ name: StaticString, duration microseconds: Int) {
        begin(name)
        switch form {
        case .text, .json:
            bytes.append(decimal: microseconds / 1000)
            bytes.append(UInt8(ascii: "."))
            bytes.append(decimal: microseconds % 1000 / 100)
        case .ecs: bytes.append(decimal: microseconds.multipliedReportingOverflow(by: 1000).partialValue)
        case .otel: append(seconds: microseconds)
        }
    }

    /// Members whose names and values are the same in each line of a format: `"name":"value"`, with commas between them.
    mutating func add(constants: StaticString) {
        bytes.append(UInt8(ascii: ","))
        bytes.append(constants)
    }

    /// With all six decimals.
    private mutating func append(seconds microseconds: Int) {
        bytes.append(decimal: microseconds / 1_000_000)
        bytes.append(UInt8(ascii: "."))
        var unit = 100_000
        var rest = microseconds % 1_000_000
        while unit > 0 {
            bytes.append(decimal: rest / unit)
            rest %= unit
            unit /= 10
        }
    }

    /// Hexadecimal digits, as a string.
    mutating func add(_ name: StaticString, hex numbers: UInt64...) {
        begin(name)
        quoted { line in for number in numbers { line.bytes.append(hex: number) } }
    }

    /// The line without its end.
    consuming func finished() -> ByteBuffer {
        if form != .text { bytes.append(UInt8(ascii: "}")) }
        return bytes
    }

    private mutating func begin(_ name: StaticString) {
        switch form {
        case .text:
            if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
        case .json, .ecs, .otel:
            bytes.append(member: name, isFirst: bytes.count == 1)
        }
    }

    private static let quote = UInt8(ascii: "\"")

    /// Escapes, as in JSON (RFC 8259 section 7), what could end the line or the JSON string, or move a terminal's cursor.
    /// `blank`: a space is escaped too, since it separates values in the text format.
    private mutating func append(_ value: String, blank: Bool) {
        let text = value.utf8.span
        if Self.isPlain(text) { return bytes.append(text) }
        guard text.indices.allSatisfy({ text[$0] < 0x80 }) else {
            for scalar in value.unicodeScalars {
                let shown = String(scalar.isInvisibleCommand && !scalar.isASCII ? "\u{FFFD}" : scalar)
                for byte in shown.utf8 { append(escaping: byte, blank: blank) }
            }
            return
        }
        for index in text.indices { append(escaping: text[index], blank: blank) }
    }

    /// Whether nothing has to be escaped in either form. Almost every value is like that, and the loop reads all of it: the compiler
    /// vectorises a loop without an exit.
    private static func isPlain(_ text: Span<UInt8>) -> Bool {
        unsafe text.withUnsafeBufferPointer { text in
            var others: UInt8 = 0
            // The formatter would join the two words before "in".
            // swift-format-ignore
            for unsafe byte in unsafe text {
                others |= byte < 0x21 || byte > 0x7E || byte == quote || byte == UInt8(ascii: "\\") ? 1 : 0
            }
            return others == 0
        }
    }

    private mutating func append(escaping byte: UInt8, blank: Bool) {
        switch byte {
        case Self.quote, UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case UInt8(ascii: " ") where blank, 0..<0x20, 0x7F:
            bytes.append("\\u00")
            bytes.append(Self.hex(byte >> 4))
            bytes.append(Self.hex(byte & 15))
        default:
            bytes.append(byte)
        }
    }

    private static func hex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
