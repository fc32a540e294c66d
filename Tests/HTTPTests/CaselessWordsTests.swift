@testable import HTTP
import Testing

@Suite struct CaselessWordsTests {
    private let words = CaselessWords(["TE", "Via", "Age", "Connection"], prefixes: ["X-Forwarded-"])

    @Test(arguments: [
        ("te", true), ("VIA", true), ("age", true), ("aGe", true), ("connection", true), ("x-forwarded-", true),
        ("X-FORWARDED-For", true), ("", false), ("t", false), ("ten", false), ("viaage", false), ("iaA", false),
        ("x-forwarded", false), ("Vi\u{E1}", false), ("V\u{49}\u{41}", true), ("co\u{212A}nect", false),
    ])
    func `a word is one of them by its letters, not by their case`(word: String, isOne: Bool) {
        #expect(holds(word) == isOne)
    }

    /// A Span cannot go through `#expect`.
    private func holds(_ word: String) -> Bool { words.contains(word.utf8.span) }

    @Test func `no length of a word leads astray`() {
        for length in 0...300 {
            #expect(!holds(String(repeating: "z", count: length)))
        }
    }

    @Test func `all fields of a set go, and the others stay in order`() {
        var headers: Headers = ["A": "1", "via": "2", "X-Forwarded-Host": "3", "B": "4", "VIA": "5", "b": "6"]
        headers.removeAll(words)
        #expect(headers.map { "\($0.name)=\($0.value)" } == ["A=1", "B=4", "b=6"])
    }

    @Test func `every value of a field is looked at`() {
        let usual = CaselessWords(["keep-alive", "close"])
        #expect(([:] as Headers).isEvery("Connection", among: usual))
        #expect((["connection": "Keep-Alive", "Connection": "CLOSE"] as Headers).isEvery("Connection", among: usual))
        #expect(!(["Connection": "close", "connection": "X-Secret"] as Headers).isEvery("Connection", among: usual))
        #expect(!(["Connection": "close, te"] as Headers).isEvery("Connection", among: usual))
    }

    @Test(arguments: [
        ("text/html", "text/html", true), ("Text/HTML; charset=utf-8", "text/html", true),
        (" text/html\t;x", "text/html", true), ("text/html;\u{301}", "text/html", true),
        ("text/htmlx", "text/htmlx", false),
        ("", "", false), (";", "", false),
    ])
    func `a media type ends at its first semicolon, whatever follows`(value: String, type: String, isDocument: Bool) {
        let headers: Headers = ["content-type": value]
        #expect(headers.mediaType == type)
        #expect(headers.isMediaType(among: CaselessWords(["text/html", "text/xml"]), suffix: "+xml") == isDocument)
        #expect(([:] as Headers).isMediaType(among: words, suffix: "") == nil && ([:] as Headers).mediaType == nil)
    }
}
