@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What of a client's credential goes on, and what of interim responses comes back.
@Suite("A relayed request", .live)
struct RelayedCredentialTests {
    @Test(
        "In passthrough access a credential goes to the Hub as it came, and never to its store",
        arguments: [
            "Bearer hf_ofTheClient", "Basic Y2xpZW50OmhmX29mVGhlQ2xpZW50",
        ])
    @EventLoop func store(credential: String) async throws {
        let store = try FakeHub(Response(.ok, text: "content"))
        defer { store.close() }
        let hub = try FakeHub(
            Response(.found, headers: ["Location": "\(store.origin.base)/x", "X-Linked-Etag": "\"e\""]))
        defer { hub.close() }
        var origin = hub.origin(trust: .all(of: [hub, store]))
        origin.contentOrigins = [store.origin.base]
        try await withGateway(origin, { $0.access = .passthrough }) { gateway in
            let reply = try await gateway.client.get(
                "/u/r/resolve/main/f", headers: ["Authorization": credential, "Range": "bytes=0-1"])
            #expect((reply.status, reply.text) == (200, "content"))
            #expect(hub.requests.map { $0.headers.values(of: "Authorization") } == [[credential]])
            #expect(store.requests.map { $0.headers.values(of: "Authorization") } == [[]])
            #expect(store.requests.first?.headers["Range"] == "bytes=0-1")
        }
    }

    @Test(
        "What a browser adds by itself, a Basic credential, is of no use to another site's page; a Bearer is no such thing"
    )
    @EventLoop func ambient() async throws {
        let hub = try FakeHub(Response(.ok, text: "private"))
        try await withGateway(hub, { $0.access = .passthrough }) { gateway in
            for (credential, status) in [("Basic Y2xpZW50OmhmX29mVGhlQ2xpZW50", 403), ("Bearer hf_ofTheClient", 200)] {
                for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
                    let reply = try await gateway.client.send(
                        .post, "/api/repos/create", headers: [name: value, "Authorization": credential])
                    #expect(reply.status == status)
                }
                let tool = try await gateway.client.send(
                    .post, "/u/r.git/git-upload-pack", headers: ["Authorization": credential])
                #expect(tool.status == 200)
            }
            #expect(hub.requests.count == 4)
        }
    }

    @Test("A part is not asked for of what is rewritten; where nothing is, it is")
    @EventLoop func part() async throws {
        let hub = try FakeHub(Response(.ok, headers: ["Content-Type": "application/json"], body: Array("{}".utf8)))
        try await withGateway(hub) { gateway in
            for path in ["/api/models/u/r/discussions", "/u/r/resolve/main/f.json"] {
                _ = try await gateway.client.get(path, headers: ["Range": "bytes=5-"])
            }
            #expect(hub.requests.map { $0.headers["Range"] } == [nil, "bytes=5-"])
        }
    }

    @Test("Interim answers and their fields are dropped; the final one comes whole, with and without a request's body")
    @EventLoop func interim() async throws {
        let hub = try RawHub { connection, _ in
            while let head = connection.readHead() {
                let hints =
                    "HTTP/1.1 103 Early Hints\r\nLink: <https://evil.example/>; rel=preload\r\nX-Early: 1\r\n\r\n"
                connection.write("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
                connection.write(hints + hints)
                let body = head.hasPrefix("HEAD") ? "" : "OK"
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nLink: </a>\r\n\r\n\(body)")
            }
        }
        defer { hub.close() }
        try await withGateway(hub.origin) { gateway in
            for (method, body) in [(HTTP.Method.get, ""), (.post, "a body"), (.head, ""), (.get, "")] {
                let reply = try await gateway.client.send(method, "/x", body: Array(body.utf8))
                #expect((reply.status, reply.text) == (200, method == .head ? "" : "OK"))
                #expect(reply.headers.values(of: "Link") == ["</a>"])
                #expect(!reply.headers.contains("X-Early"))
            }
            // The POST has one of its own where a second has passed since the GET.
            #expect(hub.requestCount == 4 && hub.connectionCount <= 2)
        }
    }

    @Test("A hundred interim responses are a 502, and the next request works")
    @EventLoop func endless() async throws {
        let hub = try RawHub { connection, number in
            guard connection.readHead() != nil else { return }
            let hints = String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: number == 0 ? 100 : 1)
            connection.write(hints + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        }
        defer { hub.close() }
        try await withGateway(hub.origin) { gateway in
            expectError(try await gateway.client.get("/x"), 502, "HubBroken", "interim")
            #expect(try await gateway.client.get("/x").text == "OK")
        }
    }
}
