@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What pages of other origins may do and see, with `trusted_origins` and without.
@Suite("Trusted origins", .live)
struct CrossOriginTests {
    private static let app = "https://app.example.org"

    private static func trusting(_ text: String) throws -> TrustedOrigins { try TrustedOrigins(reading: text) }

    @Test(
        "A preflight of a trusted origin is answered here on every path, and asks the Hub nothing",
        arguments: ["/api/repo", "/api/models/a/b", "/v1/chat/completions", "/-/signed/x", "/a/b/resolve/main/c"])
    @EventLoop func preflight(path: String) async throws {
        let hub = try FakeHub(.whoAmI)
        let trusted = try Self.trusting("\(Self.app),tauri://localhost")
        try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
            for origin in [Self.app, "tauri://localhost"] {
                let reply = try await gateway.client.send(
                    .options, path,
                    headers: [
                        "Origin": origin, "Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "DELETE",
                        "Access-Control-Request-Headers": "authorization, content-type",
                        "Access-Control-Request-Private-Network": "true",
                    ])
                #expect(reply.status == 204)
                #expect(reply.headers["Access-Control-Allow-Origin"] == origin)
                #expect(reply.headers["Access-Control-Allow-Methods"] == "DELETE")
                #expect(reply.headers["Access-Control-Allow-Headers"] == "authorization, content-type")
                #expect(reply.headers["Access-Control-Allow-Private-Network"] == "true")
                #expect(!reply.headers.contains("Access-Control-Allow-Credentials"))
            }
            #expect(hub.requests.isEmpty)
        }
    }

    @Test("A trusted page reads relayed responses and errors, and what the Hub says of other pages is left out")
    @EventLoop func responses() async throws {
        let hub = try FakeHub { exchange, request in
            let headers: Headers = [
                "Access-Control-Allow-Origin": "https://huggingface.co", "Access-Control-Allow-Credentials": "true",
                "ETag": "\"1\"", "Content-Type": "text/plain",
            ]
            exchange.send(Response(.ok, headers: headers, body: Array("x".utf8)))
        }
        let trusted = try Self.trusting(Self.app)
        try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
            let headers: Headers = ["Origin": Self.app, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"]
            for path in ["/api/models/a/b", "/-/health", "/-/nothing"] {
                let reply = try await gateway.client.get(path, headers: headers)
                #expect(reply.headers.values(of: "Access-Control-Allow-Origin") == [Self.app], "\(path)")
                #expect(reply.headers["Access-Control-Expose-Headers"]?.contains("ETag") == true)
                #expect(reply.headers["Access-Control-Expose-Headers"]?.contains("X-Error-Message") == true)
                #expect(reply.headers.values(of: "Vary").contains { $0.contains("Origin") })
                #expect(!reply.headers.contains("Access-Control-Allow-Credentials"))
            }
        }
    }

    @Test(
        "Any other origin is refused as before, and learns nothing",
        arguments: ["https://evil.example", "https://app.example.org.evil.example", "http://app.example.org", "null"])
    @EventLoop func strangers(origin: String) async throws {
        let hub = try FakeHub(.whoAmI)
        let trusted = try Self.trusting(Self.app)
        try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
            for method in [Method.get, .post, .options] {
                let reply = try await gateway.client.send(
                    method, "/api/models/a/b",
                    headers: ["Origin": origin, "Access-Control-Request-Method": "POST"])
                expectError(reply, 403, "Denied", "trusted_origins")
                #expect(!reply.headers.contains("Access-Control-Allow-Origin"))
            }
            #expect(hub.requests.isEmpty)
        }
    }

    @Test(
        "What is no origin as a browser writes it is told",
        arguments: [
            "app.example.org", "https://app.example.org/", "https://App.example.org", "https://app.example.org:443",
            "http://x:80", "*,https://a", "https://", "null", "1x://a", "https://a,", "https://a,,https://b",
            "https://user@a",
            "https://a:0", "https://a:08", "https://a:65536", "https://a:", "https://:8443", "https://[::1",
            "https://[1.2.3.4]",
            "https://[0:0::1]", "https://::1", "https://b\u{FC}cher.example", "https://*.example.org", "https://a?b",
            "HTTPS://a",
            (0...64).map { "https://a\($0)" }.joined(separator: ","),
        ])
    func notAnOrigin(text: String) {
        #expect(throws: ValueError.self) { try TrustedOrigins(reading: text) }
    }

    @Test("Every origin can be trusted where each client brings a credential, but never a document without one")
    func every() throws {
        let every = try Self.trusting("*")
        #expect(every.contain(Self.app) && !every.contain("null"))
        let some = try Self.trusting("https://a, tauri://localhost, http://[::1]:3000")
        #expect(some.names == ["https://a", "tauri://localhost", "http://[::1]:3000"])
        let none = try Self.trusting("")
        #expect(none == .none && !none.contain(Self.app))
    }

    @Test("A trusted page changes what the gateway's token may change, and a request of another page does not")
    @EventLoop func writes() async throws {
        let hub = try FakeHub(Response(.ok, headers: ["Content-Type": "application/json"], body: Array("{}".utf8)))
        let trusted = try Self.trusting(Self.app)
        try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
            let page: Headers = ["Origin": Self.app, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"]
            let reply = try await gateway.client.send(
                .post, "/api/models/a/b/tag/main", body: Array("{}".utf8), headers: page)
            #expect(reply.status == 200 && hub.requests.count == 1)
            // An image or a script of the same page: browsers send no Origin with it.
            let image = try await gateway.client.get(
                "/a/b/resolve/main/c", headers: ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"])
            expectError(image, 403, "Denied", "trusted_origins")
            #expect(hub.requests.count == 1)
        }
    }

    @Test("What may be kept differs by origin, also for who has none; without the setting nothing is said of it")
    @EventLoop func vary() async throws {
        for names in [Self.app, ""] {
            let hub = try FakeHub(.whoAmI)
            let trusted = try Self.trusting(names)
            try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
                for path in ["/api/models/a/b", "/-/health", "/-/nothing"] {
                    let reply = try await gateway.client.get(path)
                    #expect(reply.headers.values(of: "Vary").contains("Origin") == !names.isEmpty, "\(path)")
                    #expect(!reply.headers.contains("Access-Control-Allow-Origin"))
                }
            }
        }
    }

    @Test("With * a page uses the credential that it has, and not one that the browser remembers")
    @EventLoop func remembered() async throws {
        let hub = try FakeHub(.whoAmI)
        let every = try Self.trusting("*")
        try await withGateway(
            hub,
            {
                $0.access = .passthrough
                $0.trustedOrigins = every
            }
        ) { gateway in
            for (credential, status) in [("Bearer hf_ofThePage", 200), ("Basic aGY6eA==", 403)] {
                let reply = try await gateway.client.send(
                    .post, "/api/models/a/b/tag/main",
                    headers: [
                        "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Authorization": credential,
                    ])
                #expect(reply.status == status, "\(credential)")
                #expect(reply.headers["Access-Control-Allow-Origin"] == "https://evil.example")
            }
            #expect(hub.requests.map { $0.headers["Authorization"] } == ["Bearer hf_ofThePage"])
        }
    }

    @Test("A reload takes an origin's trust away, and gives it to another")
    @EventLoop func reload() async throws {
        let hub = try FakeHub(.whoAmI)
        let (before, after) = (try Self.trusting(Self.app), try Self.trusting("tauri://localhost"))
        try await withGateway(hub, { $0.trustedOrigins = before }) { gateway in
            try gateway.reload(token: hub.origin.token) { $0.trustedOrigins = after }
            for (origin, status) in [(Self.app, 403), ("tauri://localhost", 200)] {
                let reply = try await gateway.client.get("/api/models/a/b", headers: ["Origin": origin])
                #expect(reply.status == status, "\(origin)")
            }
        }
    }

    @Test("Origins add up over flags and are a list in the file; * is not for the gateway's own token")
    func setting() throws {
        let flags = SettingsCase(arguments: [
            "--trusted-origins", "https://a", "--trusted-origins", "tauri://localhost",
        ])
        #expect(try flags.settings().trustedOrigins.names == ["https://a", "tauri://localhost"])
        let file = SettingsCase(
            arguments: ["--config", "f.yaml"],
            files: ["f.yaml": "trusted_origins:\n  - https://a\n  - tauri://localhost\n"])
        #expect(try file.settings().trustedOrigins.names == ["https://a", "tauri://localhost"])
        #expect(
            SettingsCase(arguments: ["--trusted-origins", "*"]).problems.first?.contains("name the origins") == true)
        let passthrough = SettingsCase(arguments: ["--trusted-origins", "*", "--access", "passthrough"])
        #expect(try passthrough.settings().trustedOrigins.isEvery)
    }

    @Test("Hosts without the proxy add up, too: every setting with commas is a list")
    func lists() {
        let commas = SettingsTable.all.filter { $0.accepted.contains("commas between them") }.map(\.name)
        #expect(commas.count > 4)
        #expect(commas.filter { name in SettingsTable.all.contains { $0.name == name && !$0.isList } } == [])
    }
}
