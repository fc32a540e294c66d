/// One line of the log, of named values.
struct LogLine {
    private let form: LogForm
    private var text: String

    init(_ form: LogForm) {
        self.form = form
        text = form == .json ? "{" : ""
    }

    mutating func add(_ name: StaticString, _ value: some StringProtocol) {
        begin(name)
        text += form == .json ? "\"\(Self.escaped(value))\"" : Self.escaped(value)
    }

    mutating func add(_ name: StaticString, _ value: Int) {
        begin(name)
        text += String(value)
    }

    /// Microseconds, written as milliseconds with one decimal.
    mutating func add(_ name: StaticString, milliseconds microseconds: Int) {
        begin(name)
        text += "\(microseconds / 1000).\(microseconds % 1000 / 100)"
    }

    consuming func finished() -> String {
        form == .json ? text + "}" : text
    }

    private mutating func begin(_ name: StaticString) {
        switch form {
        case .json: text += text.utf8.count == 1 ? "\"\(name)\":" : ",\"\(name)\":"
        case .text: text += text.isEmpty ? "" : " "
        }
    }

    /// What could end the line or the JSON string, or move a terminal's cursor, is escaped as in JSON (RFC 8259 section 7).
    private static func escaped(_ value: some StringProtocol) -> String {
        guard value.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x7F }) else {
            return String(value)
        }
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
