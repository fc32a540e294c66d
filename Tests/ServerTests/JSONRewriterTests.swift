@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// URLs in JSON lead here, members that are hidden are gone, and all else keeps its bytes, however the body is cut.
struct JSONRewriterTests {
    private static let links = [JSONFieldRule("*url", change: .follow), JSONFieldRule("*href", change: .follow)]
    private static let hidden = [JSONFieldRule("xetHash", change: .drop)]

    private func rewriter(_ rules: [JSONFieldRule]) -> JSONRewriter {
        JSONRewriter(rules) { (url, change) throws(Failure) in
            try Rewrite.example.replacement(for: url, change)
        }
    }

    private func rewrite(_ pieces: [ArraySlice<UInt8>], _ rules: [JSONFieldRule]) throws -> String {
        var rewriter = rewriter(rules)
        var out: [UInt8] = []
        for piece in pieces { out += try rewriter.rewrite(piece.span) ?? Array(piece) }
        return String(decoding: out + (try rewriter.finish()), as: UTF8.self)
    }

    /// In one piece, byte by byte, and in two pieces at each place.
    private func expect(_ body: String, _ rules: [JSONFieldRule], _ wanted: String) throws {
        let bytes = Array(body.utf8)
        #expect(try rewrite([bytes[...]], rules) == wanted)
        #expect(try rewrite(bytes.indices.map { bytes[$0...$0] }, rules) == wanted)
        for cut in bytes.indices { #expect(try rewrite([bytes[..<cut], bytes[cut...]], rules) == wanted) }
    }

    @Test(
        "A URL is known by the name of its member; what people wrote stays, whatever it looks like",
        arguments: [
            (#"{"url":"https://huggingface.co/u/r"}"#, #"{"url":"https://gate:8080/u/r"}"#),
            (#"{"href" : "https://huggingface.co/x"}"#, #"{"href" : "https://gate:8080/x"}"#),
            (
                "{\"a\":1,\n  \"url\" :\t\"https://huggingface.co/x\" , \"b\":[]}",
                "{\"a\":1,\n  \"url\" :\t\"https://gate:8080/x\" , \"b\":[]}"
            ),
            (
                #"[{"a":{"b":[{"my_url":"https://huggingface.co/x"}]}}]"#,
                #"[{"a":{"b":[{"my_url":"https://gate:8080/x"}]}}]"#
            ),
            (#"{"url":"https:\/\/huggingface.co\/x\u002fy"}"#, #"{"url":"https://gate:8080/x/y"}"#),
            (#"{"ur\u006c":"https://huggingface.co/x"}"#, #"{"ur\u006c":"https://gate:8080/x"}"#),
            (#"{"url":"https://huggingface.co/\"x\\"}"#, #"{"url":"https://gate:8080/\"x\\"}"#),
        ])
    func found(_ body: String, _ wanted: String) throws {
        try expect(body, Self.links, wanted)
    }

    @Test(
        "All else keeps its bytes",
        arguments: [
            "", " ", "null", "1e9", #""url""#, "[]", "{}", #"{"a":{},"b":[1,2,{"c":null}],"d":"é\u00e9\ud83d\ude00"}"#,
            #"{"title":"https://huggingface.co/x"}"#, #"{"raw":"\"url\":\"https://huggingface.co/x\""}"#,
            #"["url","https://huggingface.co/x"]"#, #"{"url":["https://huggingface.co/x"]}"#,
            #"{"url":{"x":"https://huggingface.co/x"}}"#, #"{"url":null,"href":1}"#,
            #"{"url":"https:\/\/other.example"}"#,
            #"{"url":"relative/\u0041"}"#, #"{"a":1}{"b":2}"#, "{\"a\":1}\n{\"b\":2}\n",
            // No JSON: no reader finds a member in it.
            "Internal Server Error", "{,}", "}{", "]", #"{"url" "https://huggingface.co/x"}"#, #"{"a":1"#, #"{"a":"b"#,
            "{\"url\":", #"{"url","#, "{\"ur", #"{"a":1,,}"#, "<html>",
        ])
    func untouched(_ body: String) throws {
        try expect(body, Self.links, body)
    }

    @Test("A mark before the text hides nothing")
    func byteOrderMark() throws {
        try expect(
            "\u{FEFF}" + #"{"url":"https://huggingface.co/x"}"#, Self.links,
            "\u{FEFF}" + #"{"url":"https://gate:8080/x"}"#)
    }

    @Test(
        "A member that is left out takes its comma along",
        arguments: [
            (#"{"a":1,"xetHash":"x","b":2}"#, #"{"a":1,"b":2}"#), (#"{"xetHash":"x","b":2}"#, #"{"b":2}"#),
            (#"{"a":1,"xetHash":"x"}"#, #"{"a":1}"#), (#"{"xetHash":"x"}"#, "{}"),
            (#"{"xetHash":"x","xetHash":"y","b":"c"}"#, #"{"b":"c"}"#),
            (
                "[{ \"xetHash\" : \"x\" , \"b\" : [ 2 ] } , {\"a\":{},\"xetHash\":\"\\\"\"}]",
                "[{   \"b\" : [ 2 ] } , {\"a\":{}}]"
            ),
            (#"{"xetHash":null,"b":2}"#, #"{"xetHash":null,"b":2}"#), (#"{"path":"xetHash"}"#, #"{"path":"xetHash"}"#),
        ])
    func dropped(_ body: String, _ wanted: String) throws {
        try expect(body, Self.hidden, wanted)
        if wanted.first == "{" || wanted.first == "[" { _ = try JSON.parse(Array(wanted.utf8)) }
    }

    @Test("A rule may ask for the way to a member, through objects and any arrays")
    func ways() throws {
        let rules = [
            JSONFieldRule("upload", "href", change: .drop), JSONFieldRule("upload", "header", "#", change: .drop),
        ]
        try expect(
            #"{"objects":[{"upload":[{"href":"a"},{"header":{"chunk_size":"5","1":"b","00002":"c","x1":"d"}}],"href":"e"}]}"#,
            rules,
            #"{"objects":[{"upload":[{},{"header":{"chunk_size":"5","x1":"d"}}],"href":"e"}]}"#)
    }

    @Test(
        "What would have to be held without end is an error",
        arguments: [
            #"{"url":"https://huggingface.co/\#(String(repeating: "x", count: 17_000))"}"#,
            String(repeating: "[", count: 513), #"{"url":"https://huggingface.co/x"#, #"{"url":"\ud800"}"#,
            #"{"\q":1}"#,
        ])
    func tooLong(_ body: String) {
        #expect(throws: Failure.self) { try rewrite([Array(body.utf8)[...]], Self.links) }
    }

    @Test(
        "Where members may be left out, a name with what is around it has to be held, and so has a bound",
        arguments: [
            #"{"\#(String(repeating: "x", count: 9000))":1}"#,
            "{\"a\":1,\(String(repeating: " ", count: 9000))\"b\":1}", #"{"xetHash":"x"#,
        ])
    func tooLongToHold(_ body: String) throws {
        #expect(throws: Failure.self) { try rewrite([Array(body.utf8)[...]], Self.hidden) }
        if body.last == "}" { try expectPieces(body, Self.links, body) }
    }

    /// In pieces of a kilobyte.
    private func expectPieces(_ body: String, _ rules: [JSONFieldRule], _ wanted: String) throws {
        let bytes = Array(body.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: 1000).map { bytes[$0..<min($0 + 1000, bytes.count)] }
        #expect(try rewrite(pieces, rules) == wanted)
        #expect(try rewrite([bytes[...]], rules) == wanted)
    }

    private static let anyURL = [JSONFieldRule.anyURL(.follow)]

    @Test(
        "A string that is a URL of the Hub is turned round wherever it is",
        arguments: [
            (
                #"["https://huggingface.co/a",1,"https://huggingface.co"]"#,
                #"["https://gate:8080/a",1,"https://gate:8080"]"#
            ),
            (#"{"a":{"b":"https://huggingface.co/x?y"}}"#, #"{"a":{"b":"https://gate:8080/x?y"}}"#),
            (#""https://huggingface.co/x""#, #""https://gate:8080/x""#),
            (#"{"a":"\u0068ttps:\/\/huggingface.co\/x"}"#, #"{"a":"https://gate:8080/x"}"#),
            (
                #"{"train":["https://huggingface.co/api/datasets/o/d/parquet/default/train/0.parquet"]}"#,
                #"{"train":["https://gate:8080/api/datasets/o/d/parquet/default/train/0.parquet"]}"#
            ),
        ])
    func byValue(_ body: String, _ wanted: String) throws {
        try expect(body, Self.anyURL, wanted)
    }

    @Test(
        "Text that has a URL in it stays, and so does everything else",
        arguments: [
            #"{"text":"see https://huggingface.co/x","b":"https://huggingface.co/x is it"}"#,
            #"["https://huggingface.co/a\nhttps://huggingface.co/b","https://huggingface.company/","https://other/"]"#,
            #"{"https://huggingface.co/x":"h","a":"ht","b":"http","c":"https:","d":"/","e":"//","f":"\\","g":" "}"#,
            #"["","h","\n","\"","\u00e9","\ud800https://huggingface.co/x",null,-1.5e3,true]"#,
            #"{"a":"https://huggingface.co/x"#, #"{"a" "https://huggingface.co/x"}"#,
            #"{"a":"https://huggingface.co/\#(String(repeating: "x", count: 2000)) y"}"#, "{\"a\":\"h",
        ])
    func byValueUntouched(_ body: String) throws {
        try expectPieces(body, Self.anyURL, body)
        if body.utf8.count < 200 { try expect(body, Self.anyURL, body) }
    }

    @Test("A string that is too long for a URL goes by, however it is cut")
    func byValueTooLong() throws {
        let body = #"["https://huggingface.co/\#(String(repeating: "x", count: 40_000))","https://huggingface.co/"]"#
        let wanted = String(body.dropLast(26)) + #""https://gate:8080/"]"#
        try expectPieces(body, Self.anyURL, wanted)
    }

    @Test("A store's URL is signed for reading where the response was read, and stays where it is not allowed")
    func sealedByValue() throws {
        let text = try rewrite(
            [Array(#"["https://cdn.hf.co/x?s=1","http://cdn.hf.co/x","https://evil.example/"]"#.utf8)[...]],
            [.anyURL(.link)])
        let parts = try #require(try JSON.parse(Array(text.utf8)).elements?.map(\.stringValue))
        #expect(try Rewrite.example.opened(parts[0], .get) == "read https://cdn.hf.co/x?s=1")
        #expect(parts[1...] == ["http://cdn.hf.co/x", "https://evil.example/"])
        let passed = Rewrite.example(.pass)
        #expect(try passed.replacement(for: "https://cas-server.xethub.hf.co", .link) == nil)
    }

    @Test(
        "A store's URL that somebody has written stays, however deep below their member; the Hub's own leads here",
        arguments: [
            (#"{"cardData":{"a":["U",{"url":"U"}],"b":"H"}}"#, #"{"cardData":{"a":["U",{"url":"U"}],"b":"G"}}"#),
            (#"{"cardData":"U","x":{"card\u0044ata":["U"]}}"#, #"{"cardData":"U","x":{"card\u0044ata":["U"]}}"#),
            (
                #"[[{"cardData":{}}],{"cardDatas":"H","cardData":["H"]}]"#,
                #"[[{"cardData":{}}],{"cardDatas":"G","cardData":["G"]}]"#
            ),
        ])
    func authored(_ body: String, _ wanted: String) throws {
        func filled(_ text: String) -> String {
            text.replacing("\"U\"", with: #""https://cdn.hf.co/x?s=1""#)
                .replacing("\"H\"", with: #""https://huggingface.co/x""#)
                .replacing("\"G\"", with: #""https://gate:8080/x""#)
        }
        try expect(filled(body), [.authored("cardData"), .anyURL(.link)], filled(wanted))
        // Beside it a store's is signed.
        let text = try rewrite(
            [Array(#"{"cardData":1,"x":"https://cdn.hf.co/x"}"#.utf8)[...]], [.authored("cardData"), .anyURL(.link)])
        #expect(text.contains("/-/signed/"))
    }

    @Test("A URL that leads where this gateway does not go is an error, not a leak")
    func elsewhere() {
        let body = #"{"url":"https://evil.example/x"}"#
        #expect(throws: Failure.contentElsewhere("evil.example")) {
            try rewrite([Array(body.utf8)[...]], [JSONFieldRule("url", change: .read)])
        }
    }
}
