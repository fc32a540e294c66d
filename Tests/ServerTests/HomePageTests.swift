@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct HomePageTests {
    private static let attack = #""><script>alert('1')</script>"#

    private static func page(
        origin: String = "https://localhost:8080", caFile: String? = "certs/ca.pem",
        endpoints: [HomePage.Endpoint]? = nil,
        hub: HomePage.HubState = .reachable(name: "acme-ml"), access: String = "open", hidesXet: Bool = false,
        text: String = ""
    ) -> HomePage {
        HomePage(
            version: "0.1.0" + text, origin: origin, caFile: caFile,
            endpoints: endpoints ?? [
                HomePage.Endpoint(
                    method: "GET" + text, path: "/api/account" + text, summary: "Says who" + text,
                    curl: "{origin}/api/account" + text),
                HomePage.Endpoint(method: "ANY", path: "/*", summary: "The rest of the Hub", curl: ""),
            ],
            hub: hub, upstream: "https://huggingface.co" + text, sandbox: true, access: access + text,
            hidesXet: hidesXet)
    }

    @Test("The hash in the Content-Security-Policy is that of what the page carries", arguments: ["style", "script"])
    func digest(element: String) throws {
        let html = Self.page().html()
        let start = try #require(html.range(of: "<\(element)>"))
        let end = try #require(html.range(of: "</\(element)>"))
        let digest = try "sha256-" + Self.sha256(html[start.upperBound..<end.lowerBound])
        #expect(HomePage.contentSecurityPolicy.contains("\(element)-src '\(digest)'"))
    }

    @Test("The policy allows nothing by default")
    func policy() {
        #expect(HomePage.contentSecurityPolicy.hasPrefix("default-src 'none'; "))
        #expect(!HomePage.contentSecurityPolicy.contains("unsafe"))
    }

    @Test("Whatever is put into the page is escaped")
    func escaping() {
        let html = Self.page(
            origin: "https://" + Self.attack, caFile: Self.attack, hub: .unreachable(reason: Self.attack),
            text: Self.attack
        ).html()
        #expect(!html.contains(Self.attack))
        #expect(!html.contains("alert('1')"))
        #expect(html.components(separatedBy: "<script").count == 2)
        let named = Self.page(hub: .reachable(name: Self.attack)).html()
        #expect(named.contains("as &#34;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"))
    }

    @Test("Characters that steer a terminal or turn the writing reach neither page")
    func control() {
        let page = Self.page(hub: .reachable(name: "a\u{1B}[2J\r\nb\u{202E}c\u{0}"))
        #expect(page.text().contains("as a?[2J??b?c?\n"))
        #expect(page.html().unicodeScalars.allSatisfy { $0 == "\n" || !$0.isInvisibleCommand })
    }

    @Test(
        "A Host that is a name or an address is shown",
        arguments: [
            "localhost:8080", "gate.example.org", "my_gate:1", "10.0.0.1:65535", "[::1]:8080", "[::ffff:10.0.0.1]",
        ])
    func plainHost(host: String) {
        let page = Self.page(origin: "https://\(host)")
        #expect(page.html().contains("<title>hubgate at \(host)</title>"))
        #expect(page.text().contains(" at https://\(host)\n"))
    }

    @Test(
        "A Host that is anything else is shown nowhere, since people paste these lines into a shell",
        arguments: [
            "", ":8080", "a;reboot", "a b", "$(reboot)", "`reboot`", "a:", "a:1;b", "a:123456", "a/b", "user@a", "[::1",
            "[]",
            "[::1]x", "[a-b]", "a\nb", "\u{212A}ate", String(repeating: "a", count: 254), attack,
        ])
    func otherHost(host: String) {
        let page = Self.page(origin: "https://\(host)")
        #expect(page.html().contains("<title>hubgate at HOST:PORT</title>"))
        #expect(page.html().contains("export HF_ENDPOINT=https://HOST:PORT\n"))
        #expect(Self.page(origin: "ftp://a").shownOrigin == "https://HOST:PORT")
    }

    @Test("The state of the Hub is said in words as well as in colour")
    func states() {
        let cases: [(HomePage.HubState, access: String, mood: String, words: String)] = [
            (.reachable(name: "acme-ml"), "open", "good", "Reachable as acme-ml"),
            (.noToken, "open", "warn", "No token: calls to the Hub answer 503; set HF_ACCESS_TOKEN"),
            (.noToken, "passthrough", "idle", "No token here: each client brings its own"),
            (.unreachable(reason: "timed out"), "open", "bad", "Unreachable: timed out"),
        ]
        for (hub, access, mood, words) in cases {
            let page = Self.page(hub: hub, access: access)
            #expect(page.html().contains(#"class="road \#(mood)""#))
            #expect(page.html().replacing(#/</?strong>/#, with: "").contains(words))
            #expect(page.text().contains(words))
        }
    }

    @Test("The page asks for nothing that it does not carry")
    func external() {
        let health = HomePage.Endpoint(method: "GET", path: "/-/health", summary: "Whether it runs", curl: "")
        let html = Self.page(endpoints: [health]).html()
        for word in [" src=", "@import", "url(", "http-equiv", "<form", "<img", " style=", " onclick="] {
            #expect(!html.contains(word), "\(word)")
        }
        let links = html.matches(of: #/href="([^"]*)"/#).map { String($0.output.1.prefix(8)) }
        #expect(links == ["data:ima", "/-/healt", "/-/ready", "/-/docs"])
    }

    @Test("An example can be pasted: it trusts the authority, names this gateway and is quoted")
    func example() {
        let endpoint = HomePage.Endpoint(method: "GET", path: "/x", summary: "", curl: "-I {origin}/x")
        #expect(Self.page().command(for: endpoint) == "curl --cacert certs/ca.pem -I https://localhost:8080/x")
        let quoted = Self.page(origin: "https://[::1]:1", caFile: "my 'own'.pem")
        #expect(quoted.command(for: endpoint) == #"curl --cacert 'my '\''own'\''.pem' -I 'https://[::1]:1'/x"#)
        #expect(Self.page(caFile: nil).command(for: endpoint) == "curl -I https://localhost:8080/x")
    }

    @Test("The settings for clients follow the certificate, the access and what becomes of Xet")
    func setup() {
        #expect(
            Self.page().setup
                == [
                    "export HF_ENDPOINT=https://localhost:8080", #"export SSL_CERT_FILE="$PWD"/certs/ca.pem"#,
                ])
        #expect(
            Self.page(caFile: "/etc/ca.pem", access: "passthrough").setup
                == [
                    "export HF_ENDPOINT=https://localhost:8080", "export SSL_CERT_FILE=/etc/ca.pem",
                    "export HF_TOKEN=hf_...",
                ])
        #expect(
            Self.page(caFile: nil, hidesXet: true).setup
                == ["export HF_ENDPOINT=https://localhost:8080", "export HF_HUB_DISABLE_XET=1"])
    }

    @Test("The text fits a terminal, however much there is to say")
    func textSize() {
        let long = String(repeating: "very long ", count: 40)
        let many = (1...30).map {
            HomePage.Endpoint(method: "DELETE", path: "/\($0)/\(long)", summary: long, curl: "{origin}/api/account")
        }
        let text = Self.page(
            endpoints: many, hub: .unreachable(reason: long), access: "passthrough", hidesXet: true
        ).text()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == 25)
        #expect(lines.allSatisfy { $0.count <= 100 })
        #expect(text.contains("... and 23 more\n"))
    }

    @Test("The page with a dozen endpoints is smaller than 12 KB")
    func size() {
        let row = HomePage.Endpoint(
            method: "DELETE", path: "/api/repo", summary: "Deletes a repository for good, if policy lets the caller",
            curl: #"-X DELETE {origin}/api/repo -d '{"type":"dataset","name":"acme-ml/demo"}'"#)
        #expect(Self.page(endpoints: Array(repeating: row, count: 12)).html().utf8.count < 12 * 1024)
    }

    /// In base64. By the openssl that the image has anyway: a library only for this would be one too many.
    private static func sha256(_ text: Substring) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "hubgate-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = ["openssl", "dgst", "-sha256", "-binary", file.path()]
        let output = Pipe()
        openssl.standardOutput = output
        try openssl.run()
        let digest = output.fileHandleForReading.readDataToEndOfFile()
        openssl.waitUntilExit()
        return digest.base64EncodedString()
    }
}
