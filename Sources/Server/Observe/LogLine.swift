/// One line of the log, of named values. It is made as bytes: with Strings it cost more than the rest of a small answer.
struct LogLine {
    private let form: LogForm
    private var bytes: [UInt8] = []

    init(_ form: LogForm) {
        self.form = form
        bytes.reserveCapacity(320)
        if form == .json { bytes.append(UInt8(ascii: "{")) }
    }

    mutating func add(_ name: StaticString, _ value: some StringProtocol) {
        begin(name)
        if form == .json { bytes.append(Self.quote) }
        append(value)
        if form == .json { bytes.append(Self.quote) }
    }

    mutating func add(_ name: StaticString, _ value: Int) {
        begin(name)
        bytes += String(value).utf8
    }

    /// Microseconds, written as milliseconds with one decimal.
    mutating func add(_ name: StaticString, milliseconds microseconds: Int) {
        begin(name)
        bytes += String(microseconds / 1000).utf8
        bytes.append(UInt8(ascii: "."))
        bytes += String(microseconds % 1000 / 100).utf8
    }

    /// The line without its end.
    consuming func finished() -> [UInt8] {
        if form == .json { bytes.append(UInt8(ascii: "}")) }
        return bytes
    }

    private mutating func begin(_ name: StaticString) {
        switch form {
        case .json:
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(Self.quote)
            name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
            bytes.append(Self.quote)
            bytes.append(UInt8(ascii: ":"))
        case .text:
            if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
        }
    }

    private static let quote = UInt8(ascii: "\"")

    /// What could end the line or the JSON string, or move a terminal's cursor, is escaped as in JSON (RFC 8259 section 7).
    private mutating func append(_ value: some StringProtocol) {
        guard value.utf8.allSatisfy({ $0 < 0x80 }) else {
            for scalar in value.unicodeScalars {
                append(String(scalar.isInvisibleCommand && !scalar.isASCII ? "\u{FFFD}" : scalar).utf8)
            }
            return
        }
        append(value.utf8)
    }

    private mutating func append(_ bytes: some Collection<UInt8>) {
        for byte in bytes {
            switch byte {
            case Self.quote, UInt8(ascii: "\\"):
                self.bytes.append(UInt8(ascii: "\\"))
                self.bytes.append(byte)
            case UInt8(ascii: " ") where form == .text, 0..<0x20, 0x7F:
                self.bytes += "\\u00".utf8
                self.bytes.append(Self.hex(byte >> 4))
                self.bytes.append(Self.hex(byte & 15))
            default:
                self.bytes.append(byte)
            }
        }
    }

    private static func hex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
