@testable import HTTP
import Testing

@Suite struct TargetTests {
    @Test(
        arguments: [
            ("/", "/", nil), ("/a", "/a", nil), ("/a?", "/a", ""), ("/a?b=c", "/a", "b=c"), ("/a?b?c", "/a", "b?c"),
            ("/a%2Fb/%20+'~?expand=a&expand=b&x=", "/a%2Fb/%20+'~", "expand=a&expand=b&x="),
            ("//a//b/", "//a//b/", nil), ("/%zz%", "/%zz%", nil), ("/é?é", "/é", "é"), ("*", "*", nil),
        ] as [(String, String, String?)])
    func `path and query stay as received`(received: String, path: String, query: String?) throws {
        let target = try Target(received)
        #expect(target.pathAndQuery == received)
        #expect(target.path == path)
        #expect(target.query == query)
    }

    @Test(arguments: [
        ("http://gate:8080/a?b", "/a?b"), ("HTTPS://gate", "/"), ("https://gate?x", "/?x"),
    ])
    func `the absolute form gives the path`(received: String, rest: String) throws {
        let target = try Target(received)
        #expect(target.pathAndQuery == rest)
    }

    @Test(arguments: [
        "", "a", "?a", "/a b", "/a\r\nb", "/a\0", "/a#b", "/\u{7F}", "gate:443", "ftp://gate/", "http:///a",
        "http://u:p@gate/", "**",
    ])
    func `another form is a bad request`(received: String) {
        #expect(throws: MalformedTarget.self) { try Target(received) }
    }

    @Test(arguments: [[0x2F, 0xFF], [0x2F, 0xC0, 0xAF], [0x2F, 0xED, 0xA0, 0x80]] as [[UInt8]])
    func `bytes that are not UTF-8 are a bad request`(received: [UInt8]) {
        #expect(throws: MalformedTarget.self) { try Target(received) }
    }

    @Test(arguments: [
        ("/", [""]), ("/a/b?c/d", ["a", "b"]), ("/a/", ["a", ""]), ("//a", ["", "a"]),
        ("/refs%2Fpr%2f1/x", ["refs/pr/1", "x"]),
        ("/%41%C3%A9%zz%4", ["Aé%zz%4"]), ("/%FF", ["\u{FFFD}"]), ("/a+b", ["a+b"]),
    ])
    func `segments are decoded one by one`(received: String, segments: [String]) throws {
        #expect(try Target(received).segments == segments)
    }

    @Test(arguments: [
        ("/a/../b", true), ("/.", true), ("/%2e%2E/a", true), ("/a%2F..%2Fb", true), ("/..%5Ca", true),
        ("/..%2F%CC%81a", true), ("/..%5C%CC%81a", true), ("/..%CC%81", false),
        ("/a..b/...", false),
        ("/.git", false), ("/a?x=/../", false),
    ])
    func `a dot segment is seen plain and encoded`(received: String, has: Bool) throws {
        #expect(try Target(received).hasDotSegments == has)
    }

    @Test(arguments: [
        ("/a", "/a"), ("/a?", "/a?"), ("/a?b=c&d", "/a?b=c&d"),
        ("/a?token=x&b=c", "/a?token=***&b=c"), ("/a?b=c&ACCESS_TOKEN=x", "/a?b=c&ACCESS_TOKEN=***"),
        ("/?sig=x;key=y;z=1", "/?sig=***;key=***;z=1"),
        ("/?X-Amz-Signature=x&X-Amz-Date=1", "/?X-Amz-Signature=***&X-Amz-Date=1"),
        (
            "/?X-Amz-Credential=x&x-amz-security-token=y&x-goog-signature=z",
            "/?X-Amz-Credential=***&x-amz-security-token=***&x-goog-signature=***"
        ),
        ("/?Policy=a&Key-Pair-Id=b&Signature=c", "/?Policy=***&Key-Pair-Id=***&Signature=***"),
        ("/?code=x&password=y&client_secret=z", "/?code=***&password=***&client_secret=***"),
        ("/?%74oken=x&tok%65n=a=b", "/?%74oken=***&tok%65n=***"), ("/?token=", "/?token=***"), ("/?token", "/?token"),
        ("/?q=hf_abc&hf_abc&x=%68f_abc", "/?q=***&***&x=***"),
        ("/?author=key&search=token", "/?author=key&search=token"),
        ("/?&&a=b&", "/?&&a=b&"),
        ("/?a=hfx_&b=xhf_&tok=1&en=2", "/?a=hfx_&b=xhf_&tok=1&en=2"), ("/?a=1;SIG=2", "/?a=1;SIG=***"),
        ("/?MyTokenX=1&a", "/?MyTokenX=***&a"), ("/?to\u{212A}en=1", "/?to\u{212A}en=***"), ("/?HF_x=1", "/?***"),
        ("/?a=1&=hf_x", "/?a=1&=***"), ("/?a=HF_x", "/?a=HF_x"),
        ("/-/signed/r1.code/content", "/-/signed/***"), ("/-/signed/", "/-/signed/***"),
        ("/-/signed/x", "/-/signed/***"),
        ("/-/signed/b1.code/content/v1/x?token=y&a=b", "/-/signed/***/v1/x?token=***&a=b"),
        ("/-/signed/r1.code/content?x", "/-/signed/***?x"), ("/-/sealedx/y/z", "/-/sealedx/y/z"),
        ("/hf/-/signed/r1.code/content", "/hf/-/signed/***"),
    ])
    func `a log never shows a secret from the query`(received: String, shown: String) throws {
        let target = try Target(received)
        #expect(target.loggable == shown)
        #expect("\(target)" == shown)
    }

    @Test(arguments: [
        ("/a/commit/b", "/commit/", true), ("/commit", "/commit/", false), ("/a?x=/commit/", "/commit/", false),
        ("/aab", "ab", true), ("/a", "/a/b", false), ("/api/models/sandbox/demo/discussions?x", "/discussions", true),
    ])
    func `a part is looked for in the path alone`(received: String, part: String, contains: Bool) throws {
        #expect(try Target(received).pathContains(part) == contains)
    }

    @Test(arguments: [
        ("/a.git/info", "/info", true), ("/info?x", "/info", true), ("/a?x/info", "/info", false),
        ("/i", "/info", false),
        ("/info/", "/info", false),
    ])
    func `the path's end is where the query begins`(received: String, part: String, ends: Bool) throws {
        #expect(try Target(received).pathEnds(with: part) == ends)
    }
}
