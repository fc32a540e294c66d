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

    @Test("A preflight of a trusted origin is answered here on every path, and asks the Hub nothing",
        arguments: ["/api/repo", "/api/models/a/b", "/v1/chat/completions", "/-/signed/x", "/a/b/resolve/main/c"])
    @EventLoop func preflight(path: String) async throws {
        let hub = try FakeHub(.whoAmI)
        let trusted = try Self.trusting("\(Self.app),tauri://localhost")
        try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
            for origin in [Self.app, "tauri://localhost"] {
                let reply = try await gateway.client.send(
                    Method(rawValue: "OPTIONS"), path,
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

    @Test("Any other origin is refused as before, and learns nothing",
        arguments: ["https://evil.example", "https://app.example.org.evil.example", "http://app.example.org", "null"])
    @EventLoop func strangers(origin: String) async throws {
        let hub = try FakeHub(.whoAmI)
        let trusted = try Self.trusting(Self.app)
        try await withGateway(hub, { $0.trustedOrigins = trusted }) { gateway in
            for method in [Method.get, .post, Method(rawValue: "OPTIONS")] {
                let reply = try await gateway.client.send(
                    method, "/api/models/a/b",
                    headers: ["Origin": origin, "Access-Control-Request-Method": "POST"])
                expectError(reply, 403, "Denied", "trusted_origins")
                #expect(!reply.headers.contains("Access-Control-Allow-Origin"))
            }
            #expect(hub.requests.isEmpty)
        }
    }

    @Test("What is no origin as a browser writes it is told",
        arguments: [
            "app.example.org", "https://app.example.org/", "https://App.example.org", "https://app.example.org:443",
            "http://x:80", "*,https://a", "https://", "null", "1x://a",
        ])
    func notAnOrigin(text: String) {
        #expect(throws: ValueError.self) { try TrustedOrigins(reading: text) }
    }

    @Test("Every origin can be trusted where each client brings a credential, but never a document without one")
    func every() throws {
        let every = try Self.trusting("*")
        #expect(every.contain(Self.app) && !every.contain("null"))
        let some = try Self.trusting("https://a, tauri://localhost http://[::1]:3000")
        #expect(some.names == ["https://a", "tauri://localhost", "http://[::1]:3000"])
    }
}
