/// A `.env` file: `NAME=value` lines, with or without `export`, quotes and comments. Nothing is expanded.
struct DotEnv {
    struct Entry: Equatable {
        let name: String
        let value: String
        let line: Int
    }

    /// Reasons never quote the line: it may hold a token.
    struct Fault: Error, Equatable {
        let line: Int
        let reason: String
    }

    private(set) var entries: [Entry] = []
    private(set) var faults: [Fault] = []

    init(_ content: [UInt8]) {
        guard let text = String(validating: content, as: UTF8.self) else {
            faults.append(Fault(line: 1, reason: "this file is not UTF-8"))
            return
        }
        // By scalar: `\r\n` is one Character, and would be no line feed.
        let scalars = text.unicodeScalars.drop { $0 == "\u{FEFF}" }
        for (index, line) in scalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            do throws(ValueError) {
                guard let (name, value) = try Self.assignment(Self.trimmed(Substring(line))) else { continue }
                entries.append(Entry(name: name, value: value, line: index + 1))
            } catch {
                faults.append(Fault(line: index + 1, reason: error.reason))
            }
        }
    }

    private static func assignment(_ line: Substring) throws(ValueError) -> (name: String, value: String)? {
        guard let first = line.first, first != "#" else { return nil }
        var line = line
        if line.hasPrefix("export "), !trimmed(line.dropFirst(7)).hasPrefix("=") { line = trimmed(line.dropFirst(7)) }
        guard let equals = line.firstIndex(of: "=") else { throw ValueError("there is no = on this line") }
        let name = trimmed(line[..<equals])
        guard isName(name) else {
            throw ValueError("the name before the = has to be letters, digits and _, and not to begin with a digit")
        }
        return (String(name), try value(trimmed(line[line.index(after: equals)...])))
    }

    private static func value(_ text: Substring) throws(ValueError) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else { return String(plain(text)) }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                rest = trimmed(rest)
                guard rest.isEmpty || rest.first == "#" else {
                    throw ValueError("there is more after the closing quote")
                }
                return value
            }
            if character == "\\", quote == "\"" {
                value.append(try escape(rest.popFirst()))
            } else {
                value.append(character)
            }
        }
        throw ValueError("the closing quote is missing")
    }

    /// A comment begins at a # after a space; elsewhere a # is part of the value.
    private static func plain(_ text: Substring) -> Substring {
        var before: Character = " "
        for index in text.indices {
            if text[index] == "#", before == " " || before == "\t" { return trimmed(text[..<index]) }
            before = text[index]
        }
        return text
    }

    private static func escape(_ character: Character?) throws(ValueError) -> Character {
        switch character {
        case "n": "\n"
        case "r": "\r"
        case "t": "\t"
        case "\\", "\"", "$", "`": character ?? "\\"
        default: throw ValueError("in double quotes a backslash stands before n, r, t, \\, \", $ or ` only")
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.first, !("0"..."9").contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return text
    }
}
