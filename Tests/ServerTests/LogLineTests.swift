@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// A line of the log is one line, and its values are where they belong, whatever a client chose.
struct LogLineTests {
    private func line(_ form: LogEncoding, _ value: String) -> String {
        var line = LogLine(form)
        line.add("path", value)
        line.add("status", 200)
        line.add("ms", duration: 1_250)
        return unsafe line.finished().withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "In JSON a value comes back as it was, but for what steers a terminal",
        arguments: [
            "/plain", #"a"b\c"#, "a b", "line\nend\r", "tab\t", "\u{1B}[2J", "\u{7F}", "ümläut", "",
        ])
    func json(_ value: String) throws {
        let text = line(.json, value)
        #expect(!text.utf8.contains { $0 < 0x20 || $0 == 0x7F })
        let parsed = try JSON.parse(Array(text.utf8))
        #expect(parsed == ["path": .string(value), "status": 200, "ms": .number(1.2)])
    }

    @Test("In text a value cannot end the line or forge another value", arguments: ["a end=cut 200", "x\ny", "q\"q"])
    func text(_ value: String) {
        let words = line(.text, value).split(separator: " ")
        #expect(words.count == 3 && words.last == "1.2")
    }

    @Test("Characters that turn the writing round are replaced", arguments: ["\u{202E}abc", "\u{9B}2J", "\u{2066}x"])
    func bidirectional(_ value: String) {
        for form in [LogEncoding.json, .text] {
            #expect(!line(form, value).unicodeScalars.contains { $0.isInvisibleCommand })
        }
    }

    @Test("A sentence of our own keeps its blanks")
    func sentence() {
        var line = LogLine(.text)
        line.add("message", sentence: "Listening on a port.")
        let text = unsafe line.finished().withBytes { unsafe String(decoding: $0, as: UTF8.self) }
        #expect(text == "Listening on a port.")
    }
}
