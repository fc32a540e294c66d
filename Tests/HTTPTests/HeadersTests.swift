@testable import HTTP
import Testing

@Suite struct HeadersTests {
    private let sample: Headers = [
        "Link": "<a>; rel=\"next\"", "X-HF-Warning": "a; b", "x-hf-warning": "c; d", "Empty": "",
    ]

    @Test(arguments: ["Link", "link", "LINK", "lInK"])
    func `a name is found whatever its case`(name: String) {
        #expect(sample[name] == "<a>; rel=\"next\"")
        #expect(sample.contains(name))
    }

    @Test(arguments: ["", "Lin", "Links", "X-HF", "\u{212A}", "Lin\u{212A}"])
    func `a part, an extension or a look-alike of a name is another name`(name: String) {
        #expect(sample[name] == nil)
        #expect(!sample.contains(name))
        #expect(sample.values(of: name).isEmpty)
    }

    @Test func `bytes that differ from a letter by the case bit only are not the same`() {
        let headers: Headers = ["a@b": "1", "a[b": "2"]
        #expect(headers["a`b"] == nil)
        #expect(headers["a{b"] == nil)
    }

    @Test func `repeated fields stay apart, in order and with their own spelling`() {
        #expect(sample.values(of: "X-Hf-Warning") == ["a; b", "c; d"])
        #expect(sample["X-HF-Warning"] == "a; b")
        #expect(sample.map(\.name) == ["Link", "X-HF-Warning", "x-hf-warning", "Empty"])
        #expect(sample["empty"] == "")
    }

    @Test func `set takes the first one's place and drops the others`() {
        var headers: Headers = ["A": "1", "b": "2", "a": "3", "C": "4"]
        headers.set("a", "new")
        #expect(headers.map { "\($0.name)=\($0.value)" } == ["a=new", "b=2", "C=4"])
        headers.set("D", "5")
        #expect(headers.map(\.name) == ["a", "b", "C", "D"])
    }

    @Test func `remove takes all of a name and leaves the rest readable`() {
        var headers = sample
        headers.remove("x-hf-warning")
        #expect(headers.map(\.name) == ["Link", "Empty"])
        headers.append("Z", "z")
        #expect(headers["z"] == "z")
        headers.removeAll { name, value in name == "Link" || value.isEmpty }
        #expect(headers == ["Z": "z"])
        headers.remove("missing")
        #expect(headers.count == 1)
    }

    @Test func `equality looks at the fields, not at where their bytes lie`() {
        var edited: Headers = ["gone": "x", "A": "1"]
        edited.remove("gone")
        #expect(edited == ["a": "1"])
        #expect(edited != ["A": "2"])
        #expect((["A": "1", "B": "2"] as Headers) != ["B": "2", "A": "1"])
        #expect((["A": "b"] as Headers) != ["A": "B"])
        #expect((["ab": "c"] as Headers) != ["a": "bc"])
    }

    @Test(arguments: [
        ("close", "close", true), ("Keep-Alive, Upgrade", "upgrade", true), (" ,, a\t,\tb , ", "b", true),
        ("", "a", false), (",", "a", false), ("a b", "a", false), ("a;q=1 , B ;x", "b", true), ("a;b", "b", false),
        (",,,x", "x", true), ("ab", "a", false),
    ])
    func `a list has its members trimmed, whatever their case and parameters`(value: String, word: String, has: Bool) {
        #expect((["Accept": value] as Headers).lists("accept", anyOf: CaselessWords([word])) == has)
    }

    @Test func `a list goes on over repeated fields`() {
        let headers: Headers = ["Connection": "TE", "connection": "X-Custom, close"]
        #expect(headers.lists("Connection", anyOf: CaselessWords(["x-custom"])))
        var kept: Headers = ["te": "1", "X-CUSTOM": "2", "x-custom": "3", "Other": "4", "closed": "5"]
        kept.removeAll(listedIn: "Connection", of: headers)
        #expect(kept == ["Other": "4", "closed": "5"])
    }

    @Test(
        "Connection withholds what it names, but for what stays on its side anyway",
        arguments: [
            ([], false), ([("Connection", "keep-alive")], false),
            ([("Connection", "Close, TE"), ("connection", ", upgrade")], false),
            ([("Connection", "Accept")], true), ([("Connection", "close"), ("CONNECTION", "te,\tx-y ")], true),
            ([("Connection", "close;x")], true), ([("Connection", "")], false), ([("X", "Accept")], false),
        ])
    func withheld(_ fields: [(String, String)], _ withholds: Bool) {
        var headers = Headers()
        for (name, value) in fields { headers.append(name, value) }
        #expect(headers.withholdsFields == withholds)
    }

    @Test("All values of a field make one text, and no other values the same")
    func valuesTogether() {
        func text(_ values: [String]) -> String {
            var headers: Headers = ["B": "no"]
            for value in values { headers.append("a", value) }
            #expect(headers.isRepeated("A") == (values.count > 1))
            var text: [UInt8] = [0x2D]
            headers.appendValues(of: "A", to: &text)
            return String(decoding: text, as: UTF8.self)
        }
        #expect(text([]) == "-")
        #expect(text(["x", ""]) == "-x\n\n")
        // No value can have a line end.
        #expect(text(["x\ny"]) == "-x y\n")
        #expect(text(["x, y"]) != text(["x", "y"]))
    }

    @Test func `a list of sixty kilobytes costs no more than its length`() {
        // 20 ms before in release, for each field that was asked for.
        let headers: Headers = ["Connection": String(repeating: "a,", count: 30_000), "a": "1", "B": "2"]
        let took = ContinuousClock().measure {
            for _ in 0..<5 {
                var kept = headers
                kept.removeAll(listedIn: "Connection", of: headers)
                #expect(!kept.contains("a") && kept.contains("b"))
            }
        }
        #expect(took < .seconds(30))
    }

    @Test func `what a list names is gone, whatever else has the same length or beginning, and nothing else is`() {
        var numbers = SystemRandomNumberGenerator()
        let alphabet = Array("abAB-")
        func name() -> String {
            String((0..<Int.random(in: 1...3, using: &numbers)).map { _ in alphabet.randomElement(using: &numbers)! })
        }
        for _ in 0..<500 {
            var headers = Headers()
            for index in 0..<Int.random(in: 0...12, using: &numbers) { headers.append(name(), String(index)) }
            let listed = (0..<Int.random(in: 0...8, using: &numbers)).map { _ in name() }
            let wanted = headers.filter { field in !listed.contains { $0.lowercased() == field.name.lowercased() } }
            headers.removeAll(listedIn: "connection", of: ["Connection": listed.joined(separator: ", ")])
            #expect(headers.map(\.name) == wanted.map(\.name) && headers.map(\.value) == wanted.map(\.value))
        }
    }

    @Test func `a hundred names that differ in their last byte cost a long list no more than its length`() {
        let stem = String(repeating: "x", count: 300)
        var headers = Headers()
        for index in 0..<100 { headers.append(stem + String(100 + index), "1") }
        let members = (0..<200).map { stem + String(100 + $0 % 150) }
        let took = ContinuousClock().measure {
            var kept = headers
            kept.removeAll(listedIn: "Connection", of: ["Connection": members.joined(separator: ",")])
            #expect(kept.isEmpty)
        }
        #expect(took < .seconds(30))
    }

    @Test(arguments: ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\0b", "\r\n", "\r\n\r\n<html>"])
    func `no value can start another field, whichever way it comes in`(value: String) {
        var headers: Headers = ["Literal": value]
        headers.append("Appended", value)
        headers.set("Literal", value)
        headers.append("Name\(value)", "x")
        let bytes = Array(value.utf8)
        let length = UInt32(bytes.count)
        let parsed = Headers(
            bytes: bytes, fields: [.init(nameStart: 0, nameLength: 0, valueStart: 0, valueLength: length)])
        for byte in [UInt8](arrayLiteral: 0x0D, 0x0A, 0) {
            #expect(!headers.bytes.contains(byte))
            #expect(!parsed.bytes.contains(byte))
        }
        #expect(headers.count == 3)
    }

    @Test func `a parser's block is lent without a copy, whatever lies between its fields`() {
        let block = Array("Host: hub\r\nAccept:  */*\r\n\r\n".utf8)
        let headers = Headers(
            bytes: block,
            fields: [
                .init(nameStart: 0, nameLength: 4, valueStart: 6, valueLength: 3),
                .init(nameStart: 11, nameLength: 6, valueStart: 20, valueLength: 3),
            ])
        #expect(headers == ["Host": "hub", "Accept": "*/*"])
        let sizes = headers.withField(at: 1) { name, value in (name.count, value.count, value[0]) }
        #expect(sizes == (6, 3, UInt8(ascii: "*")))
        #expect(headers.firstIndex(of: "ACCEPT", from: 0) == 1 && headers.firstIndex(of: "ACCEPT", from: 2) == nil)
    }

    @Test func `a value that is not UTF-8 keeps its bytes and reads as a replacement`() {
        let headers = Headers(
            bytes: [0x61, 0xE9], fields: [.init(nameStart: 0, nameLength: 1, valueStart: 1, valueLength: 1)])
        #expect(headers["a"] == "\u{FFFD}")
        #expect(headers.withField(at: 0) { _, value in value[0] } == 0xE9)
    }

    @Test func `a lending closure's own error type passes through`() {
        let headers: Headers = ["a": "b"]
        #expect(throws: MalformedTarget(reason: "x")) {
            try headers.withField(at: 0) { _, _ throws(MalformedTarget) in throw MalformedTarget(reason: "x") }
        }
    }

    @Test(arguments: [
        ("", true), ("a b\tc", true), ("é", true), (" a", false), ("a\t", false), ("a\r\nb", false), ("\0", false),
        ("\u{7F}", false), (" ", false),
    ])
    func `a field value has no control characters and no white space around it`(text: String, valid: Bool) {
        #expect(Headers.isFieldValue(text) == valid)
    }
}
