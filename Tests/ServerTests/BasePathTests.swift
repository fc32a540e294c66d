@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// The gateway below a path.
struct BasePathTests {
    @Test(
        "Below the base path is what is asked for there, byte for byte",
        arguments: [
            ("/hf/api/models?x=%2F&y=", "/api/models?x=%2F&y="), ("/hf/", "/"), ("/hf", "/"), ("/hf?x=1", "/?x=1"),
            ("/hf/?/hf", "/?/hf"), ("/hf//x", "//x"), ("/hf/hf/x", "/hf/x"), ("/hf/a%2Fb", "/a%2Fb"),
            ("https://gate:1/hf/x", "/x"), ("/hfx/y", nil), ("/HF/x", nil), ("/%68f/x", nil), ("/", nil),
            ("/x?/hf/y", nil),
            ("/h", nil), ("//hf/x", nil), ("/api/hf/x", nil), ("*", nil),
        ])
    func targets(received: String, wanted: String?) throws {
        let below = try Target(hub: received).below("/hf")
        #expect(below?.pathAndQuery == wanted)
    }

    @Test(
        "What probes look for is at the root and below the path; the rest is below it alone, with advice",
        arguments: [
            ("/hf/x", "/x"), ("/-/health", "/-/health"), ("/hf/-/health", "/-/health"), ("/-", nil), ("/x", nil),
            ("/", nil),
        ] as [(String, String?)])
    func places(received: String, wanted: String?) throws {
        let router = Router(basePath: "/hf")
        let request = Request(method: .get, target: try Target(hub: received))
        let found = Result { () throws(Failure) in try router.target(of: request) }
        switch found {
        case .success(let target): #expect(target.pathAndQuery == wanted)
        case .failure(let failure):
            #expect(wanted == nil && failure.kind == .notFound && failure.detail.contains("/hf at its end"))
        }
    }

    @Test("Two slashes below the path are refused as they are at the root", arguments: ["/hf//x", "/hf//", "/hf///-/"])
    func doubleSlash(received: String) throws {
        let router = Router(basePath: "/hf")
        let request = Request(method: .get, target: try Target(hub: received))
        #expect(throws: Failure.doubleSlash) { try router.target(of: request) }
    }

    @Test("What leads back leads below the path, relative references too; the Hub's own prefix goes")
    func rewriting() throws {
        let cases = [
            ("https://hub.example", "https://gate:1/hf", "/api/x?y=/", "/hf/api/x?y=/"),
            ("https://hub.example", "https://gate:1/hf", "https://hub.example/x", "https://gate:1/hf/x"),
            ("https://hub.example", "/hf", "/x", "/hf/x"),
            ("https://hub.example/up", "https://gate:1/hf", "/up/x", "/hf/x"),
            ("https://hub.example/up", "https://gate:1", "/up/x", "/x"),
            ("https://hub.example/up", "https://gate:1", "/upper/x", nil),
            ("https://hub.example/hf", "https://gate:1/hf", "/hf/x", nil),
            ("https://hub.example", "https://gate:1", "/x", nil),
            ("https://hub.example", "https://gate:1/hf", "//evil.example/x", nil),
            ("https://hub.example", "https://gate:1/hf", "x/y", nil),
            ("https://hub.example", "https://gate:1/hf", "?cursor=1", nil),
        ]
        for (hub, gateway, url, wanted) in cases {
            #expect(Rewrite.example(hub, gateway).moved(url) == wanted, "\(hub) \(gateway) \(url)")
        }
        var headers: Headers = [
            "Location": "/api/x", "Link": #"</api/x?a>; rel="next", <https://hub.example/y>; rel="up""#,
        ]
        try Rewrite.example("https://hub.example", "https://gate:1/hf").apply(to: &headers)
        #expect(headers["Location"] == "/hf/api/x")
        #expect(headers["Link"] == #"</hf/api/x?a>; rel="next", <https://gate:1/hf/y>; rel="up""#)
    }

    @Test("A base path is plain", arguments: ["", "/hf", "/a/b-c/D_1", "/-x", "/a/-"])
    func good(path: String) throws {
        #expect(try SettingsCase(arguments: ["--base-path", path]).settings().basePath == path)
    }

    @Test(
        "Any other is refused, with the reason",
        arguments: [
            ("hf", "does not begin with a slash"), ("/hf/", "ends with a slash"), ("/", "is the root"),
            ("//", "ends with"),
            ("/a//b", "single slashes"), ("/..", "single slashes"), ("/a/./b", "single slashes"),
            ("/a%2fb", "single slashes"),
            ("/a?x", "single slashes"), ("/a#x", "single slashes"), ("/a b", "single slashes"),
            ("/a\\b", "single slashes"),
            ("/ä", "single slashes"), ("/a\"<", "single slashes"), ("/-", "begins with /-"), ("/-/x", "begins with /-"),
            ("https://gate/hf", "does not begin"), ("/" + String(repeating: "a", count: 200), "longer than 200"),
        ])
    func bad(path: String, reason: String) {
        let problems = SettingsCase(arguments: ["--base-path", path]).problems
        #expect(problems.count == 1)
        #expect(problems.first?.contains(reason) == true, "\(problems)")
    }

    @Test("The home page names the whole address, and its links lead below it")
    func home() {
        let health = HomePage.Endpoint(method: "GET", path: "/-/health", summary: "Whether it runs", curl: "{origin}/x")
        let page = HomePage(
            version: "1", origin: "https://gate:1", caFile: nil, endpoints: [health], hub: .noToken,
            upstream: "https://hub.example", sandbox: false, access: "open", basePath: "/hf")
        #expect(page.setup.first == "export HF_ENDPOINT=https://gate:1/hf")
        #expect(page.html().contains(#"<a href="/hf/-/health">"#))
        #expect(page.command(for: health) == "curl https://gate:1/hf/x")
        #expect(page.text().hasPrefix("hubgate 1 at https://gate:1/hf\n"))
    }
}
