@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What is found of the addresses that lead a client past the gateway.
struct UpstreamLeakTests {
    private static let gateway = "https://gate.hf.co:8080/hf"
    private let detector = LeakDetector(
        addresses: ["https://hub.internal:444/up", "https://127.0.0.1:999"], domains: ["cdn.example"])

    @Test(
        "A host of the Hub or of a store is found, however it is written",
        arguments: [
            ("https://huggingface.co/x", "huggingface.co"), ("http://huggingface.co", "huggingface.co"),
            ("HTTPS://HuggingFace.CO:443/x", "huggingface.co"), ("//huggingface.co/x", "huggingface.co"),
            (#"\\huggingface.co\x"#, "huggingface.co"), (#"https:\\huggingface.co"#, "huggingface.co"),
            ("https:huggingface.co/x", "huggingface.co"), ("https://a:b@huggingface.co/x", "huggingface.co"),
            ("https://cas-bridge.xethub.hf.co/x?sig=1", "cas-bridge.xethub.hf.co"),
            ("https://hub.internal/y", "hub.internal"),
            ("https://hub.internal:444/up/y", "hub.internal"), ("https://a.cdn.example?x", "a.cdn.example"),
            ("https://127.0.0.1:999/x", "127.0.0.1"), ("https://gate.hf.co/x", "gate.hf.co"),
            (" https://huggingface.co/x", "huggingface.co"), ("ht\ttps:/\t/huggingface.co/x", "huggingface.co"),
            ("/\t/huggingface.co", "huggingface.co"), ("https://huggingface.co./x", "huggingface.co"),
            ("https://huggingface%2Eco/x", "huggingface.co"), ("https://a%1B%0A%00b.hf.co/x", "ab.hf.co"),
            ("https://huggingface.co/\u{301}", "huggingface.co"),
            ("https:/\u{5C}huggingface.co:8443/x", "huggingface.co"),
        ])
    func found(url: String, host: String) {
        #expect(detector.host(in: url, gateway: Self.gateway) == host)
    }

    @Test(
        "What leads here, stays where it is or leads to strangers is no escape",
        arguments: [
            "https://gate.hf.co:8080/hf/x", "HTTPS://gate.hf.co:8080", "/x", "x/y", "?a=https://huggingface.co/", "",
            "#x",
            "https://huggingface.com/x", "https://evilhuggingface.co/x", "https://huggingface.co.evil.example/",
            "https://evil.example/https://huggingface.co/", "ftp://huggingface.co/x", "hf://huggingface.co/x",
            "https://",
            "/huggingface.co/x", "https://[::1]:8080/", "mailto:a@huggingface.co",
        ])
    func notFound(url: String) {
        #expect(detector.host(in: url, gateway: Self.gateway) == nil)
    }

    @Test(
        "A port that is the scheme's own is no difference, another is",
        arguments: [
            ("https://gate.hf.co/hf", "https://gate.hf.co:443/x", true),
            ("https://gate.hf.co:443", "https://gate.hf.co/x", true),
            ("https://gate.hf.co", "http://gate.hf.co:443/x", false),
            ("https://[2001:db8::1]:1", "https://[2001:DB8::1]:1/x", true),
            ("", "https://gate.hf.co/x", false),
        ])
    func ports(gateway: String, url: String, isHere: Bool) {
        let detector = LeakDetector(addresses: ["https://[2001:db8::1]:2"], domains: [])
        #expect((detector.host(in: url, gateway: gateway) == nil) == isHere)
    }

    @Test(
        "Each field that clients follow is looked at, and no other",
        arguments: [
            ("Location", "https://hf.co/x", .location), ("Content-Location", "https://hf.co/x", .contentLocation),
            ("link", "</a>; rel=x, <https://hf.co/x>; rel=next", .link), ("Link", " <https://hf.co/x>", .link),
            ("Refresh", "5; URL='https://hf.co/x'", .refresh), ("X-Xet-Cas-Url", "https://cas.hf.co", .xetCasUrl),
            ("X-Xet-Refresh-Route", "https://hf.co/api", .xetRefreshRoute),
            ("Link", "</https://hf.co/>; title=\"https://hf.co/\"", nil), ("Refresh", "5", nil),
            ("Location", "/x", nil),
            ("X-Location", "https://hf.co/x", nil), ("ETag", "https://hf.co/x", nil),
            ("Referer", "https://hf.co/x", nil),
            ("Location", "", nil), ("Link", "<", nil), ("Link", "https://hf.co/x", nil),
        ] as [(String, String, MetricLabels.LeakPlace?)])
    func fields(name: String, value: String, place: MetricLabels.LeakPlace?) {
        let headers: Headers = ["Date": "x", "Via": "https://hf.co/x", name: value, "X-Repo-Commit": "https://hf.co/x"]
        #expect(detector.leak(in: headers, gateway: Self.gateway)?.place == place)
    }

    @Test(
        "A field that leads to a stranger is found as well",
        arguments: [
            ("Location", "https://evil.example/x"), ("Location", "//evil.example"),
            ("Content-Location", #"\\\\evil.example"#), ("Refresh", "0;url=https://evil.example"),
            ("Link", "</a>, <https://evil.example>; rel=preload"),
        ])
    func strangers(name: String, value: String) {
        #expect(detector.leak(in: [name: value], gateway: Self.gateway)?.host == "evil.example")
    }

    @Test(
        "In JSON the URLs are seen, and nothing that people wrote, however the text is cut",
        arguments: [
            (
                #"{"url":"https://hf.co/a","x":["http://b"],"y" : "//hf.co","z":"HTTPS:\\hf.co"}"#,
                ["https://hf.co/a", "http://b", "//hf.co", #"HTTPS:\hf.co"#]
            ),
            (#"{"header":{"2":"https://s3/2"}}"#, ["https://s3/2"]),
            (#"{"url":"https:\/\/hf.co\/a"}"#, ["https://hf.co/a"]),
            (#"{"url":"\u0068ttps://hf.co"}"#, ["https://hf.co"]),
            (#"{"https://hf.co/name":1}"#, ["https://hf.co/name"]), (#""https://hf.co""#, ["https://hf.co"]),
            (#"[" https://hf.co\n"]"#, [" https://hf.co\n"]),
            (#"{"title":"url\":\"https://hf.co","text":"see https://hf.co","a":"https://hf.co is it","b":"c"}"#, []),
            (#"["url","https","httpx://hf.co","ftp://hf.co","/api/x","https://a\nhttps://b","\n\n\n\n\n\n\n"]"#, []),
            (#"{"a":"\\","url":"https://x"}"#, ["https://x"]), (#"{"url":"https://a\"b"}"#, [#"https://a"b"#]),
            (#"{"url":"https://hf.co"#, []), ("", []), ("\"", []), (":::\"https://x\"", ["https://x"]),
        ])
    func json(text: String, wanted: [String]) throws {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            let seen = Seen()
            var scanner = URLScanner { (url) throws(Failure) in seen.urls.append(url) }
            for piece in [bytes[..<cut], bytes[cut...]] { try scanner.scan(piece.span) }
            #expect(seen.urls == wanted)
        }
    }

    @Test("Of a string that is too long the beginning is looked at")
    func long() throws {
        let seen = Seen()
        var scanner = URLScanner { (url) throws(Failure) in seen.urls.append(url) }
        let text = Array(#"{"url":"https://hf.co/\#(String(repeating: "a", count: 10_000))","href":"https://b"}"#.utf8)
        try scanner.scan(text.span)
        #expect(seen.urls.count == 2 && seen.urls.last == "https://b")
        #expect(seen.urls.first?.hasPrefix("https://hf.co/aaa") == true && seen.urls.first?.count == 4096)
    }

    private final class Seen {
        var urls: [String] = []
    }
}
