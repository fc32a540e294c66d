import Hub
import Testing

@Suite struct JSONTests {
    @Test(
        arguments: [
            ("null", JSON.null), ("true", true), ("false", false), ("0", 0), ("-1", -1), ("1", 1), ("1.5", 1.5),
            ("1e2", 100),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1e300", 1e300), ("\"\"", ""),
            ("\"a\\u00e9\\n/\"", "aé\n/"),
            ("\"true\"", "true"), ("[]", []), ("{}", [:]), (" [1, \"a\", null, [true]] ", [1, "a", nil, [true]]),
            ("{\"a\":{\"b\":[{}]},\"c\":1}", ["a": ["b": [[:]]], "c": 1]),
            ("[{\"a\":1},{\"a\":2}]", [["a": 1], ["a": 2]]),
            ("{\"a\":\"a\",\"b\":[\"a\",\"a\"]}", ["a": "a", "b": ["a", "a"]]),
            ("{\"a\":{\"a\":1}}", ["a": ["a": 1]]),
        ] as [(String, JSON)])
    func `a value is read as what it is`(text: String, value: JSON) throws {
        #expect(try json(text) == value)
    }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "[,]", "[,1]", "{,}", "[1,,2]", "[1, \n]", "[[],]", "[\"a\",]", "\u{0C}1", "\u{A0}1",
        "{\"a\":}", "{a:1}", "{'a':1}", "nul", "NaN", "Infinity", "01", "1.", "+1", "\"",
        "\"\n\"", "\"\\x\"",
        "1e400", "-", "[1 2]", "{} {}", "// c\n1", "\"\\", "{\"a\":1,}", "[", "]", "\"\\ud800\"", "{\"a\" 1}",
    ])
    func `what is not JSON is a bad request`(text: String) {
        #expect(failure { () throws(Failure) in _ = try json(text) }?.kind == .badRequest)
    }

    @Test(
        arguments: [
            [0xFF], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC3, 0x22], [0x7B, 0, 0x7D, 0],
            [0, 0x7B, 0, 0x7D],
            [0xFF, 0xFE, 0x7B, 0, 0x7D, 0], [0x7B, 0, 0, 0, 0x7D, 0, 0, 0],
        ] as [[UInt8]])
    func `what is not UTF-8 is a bad request`(bytes: [UInt8]) {
        #expect(failure { () throws(Failure) in _ = try JSON.parse(bytes) }?.kind == .badRequest)
    }

    @Test func `nesting is bounded, to the level`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try json(nested(JSON.deepest))
        let thrown = failure { () throws(Failure) in _ = try json(nested(JSON.deepest + 1)) }
        #expect(thrown?.detail.contains("deeper than 64") == true)
    }

    @Test(arguments: ["[", "{\"a\":", "[{\"a\":["])
    func `a bomb of brackets is refused before it is decoded`(open: String) {
        let bomb = String(repeating: open, count: 100_000)
        #expect(failure { () throws(Failure) in _ = try json(bomb) }?.kind == .badRequest)
    }

    @Test(arguments: ["\"[[[[\"", "[\"{\\\"[\", \"\\\\\", \"]\"]"])
    func `brackets and quotes inside strings are text`(text: String) throws {
        _ = try json(text)
    }

    @Test(arguments: [
        ("{\"private\":true,\"private\":false}", "private"), ("{\"a\":1,\"b\":{\"c\":[],\"c\":1}}", "c"),
        ("{\"name\":1,\"n\\u0061me\":2}", "name"), ("[{\"x\":{}, \"y\":[1,{}] , \"x\" : 1}]", "x"),
        ("{\"\":1,\"\":2}", ""),
    ])
    func `a name given twice is refused, spelled with escapes too`(text: String, name: String) {
        let thrown = failure { () throws(Failure) in _ = try json(text) }
        #expect(thrown == .badField(name, "is there twice; leave one out"))
    }

    @Test func `a name in an error is short and has no control characters`() {
        let name = "\\u001b\\r" + String(repeating: "x", count: 10_000)
        let thrown = failure { () throws(Failure) in _ = try json("{\"\(name)\":1,\"\(name)\":1}") }
        #expect(thrown == .badField(String(repeating: "x", count: 62), "is there twice; leave one out"))
    }

    @Test(arguments: [
        "null", "[1,\"a/b\",true,-5,1.5,[],{}]", "{\"a\":null,\"b\":{\"c\":\"\\\"\\n\"}}", "\"é\"",
        "9223372036854775807",
    ])
    func `encoding gives back what was read`(text: String) throws {
        #expect(String(decoding: try json(text).encoded(), as: UTF8.self) == text)
    }

    @Test func `encoding sorts names, so equal values give equal bytes`() throws {
        #expect(String(decoding: try json("{\"b\":1, \"a\":2}").encoded(), as: UTF8.self) == "{\"a\":2,\"b\":1}")
    }

    @Test func `a number that JSON has no form for is our own error`() {
        #expect(failure { () throws(Failure) in _ = try JSON.number(.infinity).encoded() }?.kind == .internalError)
    }
}
