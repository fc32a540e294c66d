@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// JSON on its way through the gateway: URLs of the Hub in it lead here, and nothing else of the response changes.
@Suite("Relayed JSON", .live)
struct RelayedJSONTests {
    private static func headers(_ type: String = "application/json") -> Headers {
        ["Content-Type": type, "ETag": "\"e1\"", "X-Repo-Commit": "c"]
    }

    @Test(
        "Without a URL of the Hub the response is the same, its length and ETag too",
        arguments: ["{}", #"{"a":"https://other.example/x","b":"see https://huggingface.co/x"}"#, "not JSON", ""])
    @EventLoop func untouched(body: String) async throws {
        let hub = try FakeHub(Response(.ok, headers: Self.headers(), body: Array(body.utf8)))
        defer { hub.close() }
        try await withGateway(hub, { $0.strictLeaks = true }) { gateway in
            let reply = try await gateway.client.get("/api/models/u/r")
            #expect((reply.status, reply.text) == (200, body))
            #expect(reply.headers["Content-Length"] == "\(body.utf8.count)")
            #expect(body.isEmpty || reply.headers["ETag"] == "\"e1\"")
            #expect(reply.headers["X-Repo-Commit"] == "c")
        }
    }

    @Test("A URL of the Hub leads here, whatever its member is called; the length is that of what goes out")
    @EventLoop func turned() async throws {
        let hub = try FakeHub { exchange, request in
            let body = #"{"parquet":["https://\#(request.headers["Host"] ?? "")/api/0.parquet"]}"#
            exchange.send(Response(.ok, headers: Self.headers(), body: Array(body.utf8)))
        }
        defer { hub.close() }
        try await withGateway(hub, { $0.strictLeaks = true }) { gateway in
            let reply = try await gateway.client.get("/api/datasets/o/d/parquet", headers: ["Accept-Encoding": "gzip"])
            #expect(reply.text == #"{"parquet":["https://127.0.0.1:\#(gateway.server.port)/api/0.parquet"]}"#)
            #expect(reply.headers["Content-Length"] == "\(reply.body.count)")
            #expect(!reply.headers.contains("ETag"))
            #expect(hub.requests.first?.headers["Accept-Encoding"] == "identity")
        }
    }

    @Test("A file with the same content is nobody's to change")
    @EventLoop func files() async throws {
        let body = #"{"a":"https://huggingface.co/x"}"#
        let hub = try FakeHub(Response(.ok, headers: Self.headers(), body: Array(body.utf8)))
        defer { hub.close() }
        try await withGateway(hub, { $0.strictLeaks = true }) { gateway in
            for path in ["/u/r/resolve/main/f.json", "/u/r/raw/main/f.json", "/api/resolve-cache/models/u/r/c/f.json"] {
                let reply = try await gateway.client.get(path)
                #expect(reply.text == body && reply.headers["ETag"] == "\"e1\"")
            }
        }
    }

    @Test("What may not be turned round is counted, and with strict_leaks refused, whatever its member is called")
    @EventLoop func counted() async throws {
        let body = #"{"anything":["http://huggingface.co/x"]}"#
        for isStrict in [false, true] {
            let hub = try FakeHub(Response(.ok, headers: Self.headers(), body: Array(body.utf8)))
            defer { hub.close() }
            try await withGateway(hub, { $0.strictLeaks = isStrict }) { gateway in
                let reply = try await gateway.client.get("/api/datasets/o/d/parquet")
                if isStrict {
                    expectError(reply, 502, "HubBroken", "strict_leaks")
                } else {
                    #expect(reply.text == body)
                }
                let metrics = try await gateway.client.get("/-/metrics").text
                #expect(metrics.contains("hubgate_upstream_leaks_total{place=\"body\"} 1"))
            }
        }
    }

    @Test(
        "What is wrong behind the part that is rewritten first is told, as long as it came with the head",
        arguments: [100, 4000, 4096, 5000, 9000, 12_000])
    @EventLoop func toldLate(bytesBefore: Int) async throws {
        for isStrict in [false, true] {
            let hub = try FakeHub { exchange, request in
                let url = #""https://\#(request.headers["Host"] ?? "")/u/r","#
                let urls = String(repeating: url, count: bytesBefore / url.utf8.count)
                let body = "[\(urls)\"http://huggingface.co/x\"]"
                exchange.send(Response(.ok, headers: Self.headers(), body: Array(body.utf8)))
            }
            defer { hub.close() }
            try await withGateway(hub, { $0.strictLeaks = isStrict }) { gateway in
                let reply = try await gateway.client.get("/api/datasets/o/d/parquet")
                if isStrict {
                    expectError(reply, 502, "HubBroken", "strict_leaks")
                } else {
                    #expect(reply.text.hasSuffix(#"/u/r","http://huggingface.co/x"]"#))
                    #expect(reply.headers["Content-Length"] == "\(reply.body.count)")
                    #expect(!reply.text.contains("127.0.0.1:\(hub.port)"))
                }
            }
        }
    }

    @Test("A large body full of URLs goes through whole, and others are served meanwhile")
    @EventLoop func large() async throws {
        let count = 5_000
        let hub = try FakeHub { exchange, request in
            let host = request.headers["Host"] ?? ""
            exchange.start(.ok, headers: Self.headers(), length: nil)
            exchange.write("[")
            for _ in 0..<count { exchange.write(#""https:\/\/\#(host)\/u\/r","#) }
            exchange.write("1]")
            exchange.finish()
        }
        defer { hub.close() }
        try await withGateway(hub) { gateway in
            var reply: TestClient.Reply?
            let call = EventLoop.task { reply = try? await gateway.client.get("/api/models") }
            let health = try await gateway.client.get("/-/health")
            #expect(health.status == 200)
            await call.value
            let url = #""https://127.0.0.1:\#(gateway.server.port)/u/r","#
            #expect(reply?.text == "[" + String(repeating: url, count: count) + "1]")
        }
    }
}
