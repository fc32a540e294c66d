@testable import HTTP
@testable import Hub
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
        "[]", " [ ] ", "[1]", "[1, \"a\", null, [true], {\"a\":[]}] ", "[[1,2],[3]]", "\u{FEFF}[1]", "", " ", "[", "]",
        "[1,]", "[,]", "[1 2]", "[1]]",
        "[1] 2", "{}", "1", "[1,,2]", "[{\"a\":1,\"a\":2}]", "[nul]", "[1,2", "[\"",
    ])
    func `elements that are read one by one are those of the whole`(text: String) {
        func elements() throws(Failure) -> JSON {
            var (parser, found): (JSONParser, [JSON]) = (
                JSONParser(Array(text.utf8), JSONLimits(bytes: 100, depth: 3, values: 10)), []
            )
            while let element = try parser.nextElement() { found.append(element) }
            return .array(found)
        }
        let whole = try? JSON.parse(Array(text.utf8), within: JSONLimits(bytes: 100, depth: 3, values: 10))
        if case .array? = whole {
            #expect((try? elements()) == whole)
        } else {
            #expect(throws: Failure.self) { try elements() }
        }
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
        _ = try json(nested(64))
        let thrown = failure { () throws(Failure) in _ = try json(nested(65)) }
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

    @Test(arguments: [
        ("[[[[[1]]]]]", "deeper than 4 levels"),
        ("[" + String(repeating: "1,", count: 64) + "1]", "more than 64 values"),
        ("{\"a\":\"" + String(repeating: "x", count: 1025) + "\"}", "string of more than 1024 bytes"),
        ("{\"" + String(repeating: "x", count: 1025) + "\":1}", "string of more than 1024 bytes"),
        ("[" + String(repeating: "9", count: 200) + "]", "number of more than 128 characters"),
        (
            "{" + (0..<20).map { "\"\(String(repeating: "é", count: 200))\($0)\":1" }.joined(separator: ",") + "}",
            "names that are not ASCII"
        ),
    ])
    func `what is beyond the limits of an order is refused, and the sentence says the limit`(text: String, says: String)
    {
        let thrown = failure { () throws(Failure) in _ = try JSON.parse(Array(text.utf8), within: .order) }
        #expect(thrown?.kind == .badRequest)
        #expect(thrown?.detail.contains(says) == true)
    }

    @Test func `an order of too many bytes is refused, and the sentence says the limit`() {
        let thrown = failure { () throws(Failure) in
            _ = try JSON.parse(
                [UInt8](repeating: UInt8(ascii: " "), count: 300_000) + [UInt8(ascii: "1")], within: .order)
        }
        #expect(thrown?.kind == .badRequest)
        #expect(thrown?.detail.contains("more than 262144 bytes") == true)
    }

    @Test func `an order of every member, with room to spare, is within its limits`() throws {
        let text = """
            {"type":"model","name":"acme/\(String(repeating: "n", count: 96))","organization":"acme","private":"true",
            "sdk":null,"unknown":{"a":[1,2,{}]}}
            """
        _ = try JSON.parse(Array(text.utf8), within: .order)
    }

    private static let megabytes = [
        "[" + String(repeating: "[", count: 1_000_000), String(repeating: "{\"a\":", count: 200_000),
        "{" + (0..<90_000).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}",
        "[" + String(repeating: "1e5,", count: 250_000) + "1]",
        "[" + String(repeating: "\"\\u00e9\",", count: 100_000) + "1]",
    ]

    /// By number, as each argument is printed.
    @Test(arguments: megabytes.indices)
    func `a megabyte that once took a minute takes no time`(number: Int) {
        // 63 s before; within these limits it is read to its end.
        let bytes = Array(Self.megabytes[number].utf8)
        let took = ContinuousClock().measure {
            _ = try? JSON.parse(bytes, within: .order)
            _ = try? JSON.parse(bytes, within: JSONLimits(bytes: .max, depth: 64, values: .max))
        }
        #expect(took < .seconds(20))
    }

    /// The kinds of https://github.com/nst/JSONTestSuite: what each reader must take.
    @Test(arguments: [
        "[[]   ]", "[\"\"]", "[]", "[\"a\"]", "[false]", "[null, 1, \"1\", {}]", "[null]", "[1\n]", " [1]",
        "[1,null,null,null,2]", "[2] ", "[123e65]", "[0e+1]", "[0e1]", "[ 4]",
        "[-0.0000000000000000000000000000000001]",
        "[20e1]", "[-0]", "[-123]", "[-1]", "[-0]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]",
        "[1e+2]", "[123]", "[123.456789]", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{\"\":0}",
        "{\"foo\\u0000bar\": 42}", "{\"min\": -1.0e+28, \"max\": 1.0e+28}", "{\n\"a\": \"b\"\n}",
        "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\uD801\\udc37\"]", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\n\"]",
        "[\"\\uDBFF\\uDFFF\"]", "[\"\u{FFFF}\"]", "[\"\u{10FFFF}\"]", "[\"\\uFFFF\"]", "[\"\\u0022\"]", "[\"asd \"]",
        "\" \"", "[\"\u{2028}\"]", "[\"\u{7F}\"]", "\u{FEFF}[]",
    ])
    func `what every reader takes is taken`(text: String) throws {
        _ = try json(text)
    }

    /// The same suite: what each reader must refuse.
    @Test(arguments: [
        "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[3[4]]",
        "[:1]", "[1,\n1\n,1", "[*]", "[\"\",", "[1,]", "[\"\u{0B}a\"\\f]", "[fals]", "[nul]", "[tru]", "[++1234]",
        "[+1]",
        "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]", "[.2e-3]", "[0.1.2]", "[0.3e+]", "[0.3e]", "[0.e1]", "[0E+]",
        "[0e]", "[1.0e+]", "[1.0e-]", "[1.0e]", "[1 000.0]", "[1eE2]", "[2.e+3]", "[9.e+]", "[Inf]", "[1+2]", "[0x1]",
        "[- 1]", "[-012]", "[-.123]", "[1.a]", "[1ea]", "[1.2a-3]", "[012]", "[\u{FF11}]", "{\"x\", null}",
        "{\"x\"::\"b\"}", "{\u{1F1E8}}", "{\"a\":\"a\" 123}", "{key: 'value'}", "{\"a\" b}", "{:\"b\"}",
        "{\"a\" \"b\"}",
        "{\"a\":", "{\"a\"", "{1:1}", "{null:null,null:null}", "{\"id\":0,,,,,}", "{'a':0}", "{\"id\":0,}",
        "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}#", "{\"a\":\"b\",,\"c\":\"d\"}", "{\"a\":\"a", "{\"a\":\"b\"}#",
        "[\"\\uD800\\\"]", "[\"\\uD800\\u\"]", "[\"\\uD800\\u1\"]", "[\"\\uD800\\u1x\"]", "[\"\\u00A\"]",
        "[\"\\x00\"]", "[\"\\\\\\\"]", "[\"\\\t\"]", "[\"\\\"]", "[\"\\uD834\\uDd\"]", "[\"\\a\"]", "[\"\\uqqqq\"]",
        "[\\u0020\"asd\"]", "[\\n]", "\"", "['single quote']", "abc", "[\"\\", "[\"new\nline\"]", "[\"\t\"]",
        "\"\\UA66D\"", "\"\"x", "<.>", "[<null>]", "[1]x", "[a", "1]", "{\"x\": true,", "[][]", "]", "[", "{}}",
        "{\"\":",
        "{]", "{,", "{[", "{\"a", "{'a'", "[\"a", "*", "{\"a\":\"b\"}#{}", "[\\u000A\"\"]", "[1", "[ false, nul",
        "[\u{0C}]",
        "\u{2060}", "\"\\uDC00\"", "\"\\uD800\\uD800\"", "-", "--1", "1e1000",
    ])
    func `what no reader takes is refused`(text: String) {
        #expect(failure { () throws(Failure) in _ = try json(text) }?.kind == .badRequest)
    }

    @Test func `a number is an Int64 wherever it is one, and the nearest Double elsewhere`() throws {
        #expect(
            try json("[-0,1.0,1e18,-9223372036854775809,0.1,1e-300]") == [
                0, 1, .integer(1_000_000_000_000_000_000),
                .number(-9.223372036854775808e18), 0.1, 1e-300,
            ])
    }
}
