@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Large files with the gateway alone in reach: one scripted server is the Hub, another its store.
@Suite("Signed content", .live)
struct SignedURLTests {
    private static let batch = "/u/r.git/info/lfs/objects/batch"
    private static let lfs: Headers = ["Content-Type": "application/vnd.git-lfs+json"]
    private static let json: Headers = ["Content-Type": "application/json; charset=utf-8"]

    /// A gateway that knows both, whose names in `hub` are `{hub}` and `{store}`.
    @EventLoop
    private func with(
        xet: XetChoice = .carry, _ hub: @escaping @Sendable (Request) -> Response,
        store: @escaping @Sendable (Request) -> Response,
        body: @EventLoop (TestGateway, _ hub: FakeHub, _ store: FakeHub) async throws -> Void
    ) async throws {
        let stores = try FakeHub { exchange, request in exchange.send(store(request)) }
        defer { stores.close() }
        let storeBase = stores.origin.base
        let hubs = try FakeHub { exchange, request in
            let names = [("{store}", storeBase), ("{hub}", "https://\(request.headers["Host"] ?? "")")]
            exchange.send(hub(request).naming(names))
        }
        defer { hubs.close() }
        let origin = HubOrigin(
            base: hubs.origin.base, trust: .pem(hubs.certificate + stores.certificate), token: .example,
            contentOrigins: [storeBase])
        try await withGateway(origin, { $0.xet = xet }) { try await body($0, hubs, stores) }
    }

    /// The path of a URL that has to be the gateway's.
    @EventLoop private func path(_ url: String?, _ gateway: TestGateway) throws -> String {
        let origin = "https://127.0.0.1:\(gateway.server.port)"
        let url = try #require(url)
        try #require(url.hasPrefix(origin), "\(url)")
        return String(url.dropFirst(origin.count))
    }

    @Test(
        "An object goes up through the gateway in parts: its store sees bytes and no credential, its end none of ours")
    @EventLoop func upload() async throws {
        try await with { request in
            if request.target.path == Self.batch {
                return Response(
                    .ok, headers: Self.lfs,
                    body: Array(
                        """
                        {"objects":[{"actions":{"upload":{"href":"{hub}/api/complete_multipart?signature=x",
                        "header":{"chunk_size":"5","1":"{store}/a%2Fb?partNumber=1&X-Amz-Signature=%20+x"}},
                        "verify":{"href":"{hub}/u/r.git/info/lfs/objects/verify"}}}]}
                        """.utf8))
            }
            return Response(.ok, headers: Self.json, body: Array("{}".utf8))
        } store: { _ in
            Response(.ok, headers: ["ETag": "\"part\"", "Set-Cookie": "a=b"])
        } body: { gateway, hub, store in
            let answer = try await gateway.client.send(.post, Self.batch, body: Array("{}".utf8), headers: Self.lfs)
            let actions = answer.json?["objects"]?.elements?.first?["actions"]
            let upload = actions?["upload"]
            #expect(answer.headers["Content-Type"] == "application/vnd.git-lfs+json")

            let part = try path(upload?["header"]?["1"]?.stringValue, gateway)
            let bytes = [UInt8](repeating: 7, count: 300_000)
            let sent: Headers = ["Authorization": "Bearer hf_of_the_client", "Cookie": "a=b", "X-HF-Bill-To": "x"]
            let put = try await gateway.client.send(.put, part, body: bytes, headers: sent)
            #expect(put.status == 200 && put.headers["ETag"] == "\"part\"" && put.headers["Set-Cookie"] == nil)
            let written = try #require(store.requests.first)
            #expect(written.method == .put && written.body == bytes)
            #expect(written.target.pathAndQuery == "/a%2Fb?partNumber=1&X-Amz-Signature=%20+x")
            #expect(written.headers["Content-Length"] == "300000" && written.headers["Transfer-Encoding"] == nil)
            for name in ["Authorization", "Cookie", "X-HF-Bill-To"] { #expect(written.headers[name] == nil) }
            // Not what it was signed for.
            expectError(try await gateway.client.get(part), 405, "MethodNotAllowed", "PUT")

            let end = try path(upload?["href"]?.stringValue, gateway)
            let done = try await gateway.client.send(.post, end, body: Array("{}".utf8), headers: Self.lfs)
            #expect(done.status == 200)
            let completed = try #require(hub.requests.last)
            #expect(completed.target.pathAndQuery == "/api/complete_multipart?signature=x")
            #expect(completed.headers["Authorization"] == nil && completed.body == Array("{}".utf8))

            let verify = try path(actions?["verify"]?["href"]?.stringValue, gateway)
            _ = try await gateway.client.send(.post, verify, body: Array("{}".utf8), headers: Self.lfs)
            #expect(hub.requests.last?.headers["Authorization"] == "Bearer \(Secret.example.reveal())")
            #expect(store.requests.count == 1)
        }
    }

    @Test("Xet goes through: its server gets the client's Xet token, its store none, and ranges are kept")
    @EventLoop func xet() async throws {
        try await with { _ in
            Response(
                .ok, headers: Self.json.adding("X-Xet-Cas-Url", "{store}"),
                body: Array(#"{"casUrl":"{store}","accessToken":"xet","exp":1}"#.utf8))
        } store: { request in
            if request.target.path.hasPrefix("/v2/") {
                return Response(
                    .ok, headers: Self.json,
                    body: Array(#"{"xorbs":{"ab":[{"url":"https://\#(request.headers["Host"] ?? "")/ab?s=1"}]}}"#.utf8))
            }
            return Response(.partialContent, headers: ["Content-Range": "bytes 0-1/7"], body: Array("xy".utf8))
        } body: { gateway, _, store in
            let token = try await gateway.client.get("/api/models/u/r/xet-read-token/main")
            let server = try path(token["casUrl"], gateway)
            #expect(try path(token.headers["X-Xet-Cas-Url"], gateway).hasPrefix("/-/signed/b"))
            let found = try await gateway.client.get(
                server + "/v2/reconstructions/00?x=%20", headers: ["Authorization": "Bearer xet", "Cookie": "a=b"])
            let asked = try #require(store.requests.first)
            #expect(asked.target.pathAndQuery == "/v2/reconstructions/00?x=%20")
            #expect(asked.headers["Authorization"] == "Bearer xet" && asked.headers["Cookie"] == nil)
            let piece = try path(found.json?["xorbs"]?["ab"]?.elements?.first?["url"]?.stringValue, gateway)
            let bytes = try await gateway.client.get(
                piece, headers: ["Range": "bytes=0-1", "Authorization": "Bearer xet"])
            #expect(bytes.status == 206 && bytes.text == "xy" && bytes.headers["Content-Range"] == "bytes 0-1/7")
            let fetched = try #require(store.requests.last)
            #expect(fetched.target.pathAndQuery == "/ab?s=1" && fetched.headers["Authorization"] == nil)
            #expect(fetched.headers["Range"] == "bytes=0-1")
            _ = try await gateway.client.get(
                server + "/v1/x", headers: ["Authorization": "Bearer \(Secret.example.reveal())"])
            #expect(store.requests.last?.headers["Authorization"] == nil)
        }
    }

    @Test("What would lead the client elsewhere is a 502, and nothing of it goes out")
    @EventLoop func elsewhere() async throws {
        try await with { request in
            switch request.target.path {
            case Self.batch:
                Response(
                    .ok, headers: Self.lfs,
                    body: Array(#"{"objects":[{"actions":{"upload":{"href":"https://evil.example/x"}}}]}"#.utf8))
            default:
                Response(.ok, headers: Self.json.adding("Content-Encoding", "gzip"), body: Array("zip".utf8))
            }
        } store: { _ in
            Response(.found, headers: ["Location": "https://evil.example/x"])
        } body: { gateway, _, store in
            let answer = try await gateway.client.send(.post, Self.batch, body: Array("{}".utf8))
            expectError(answer, 502, "HubBroken", "evil.example")
            let zipped = try await gateway.client.get("/api/models/u/r/xet-read-token/main")
            expectError(zipped, 502, "HubBroken", "compressed")
            let signed = SignedURLCodec.example.path(to: store.origin.base + "/x", for: .read, until: 9_999_999_999)
            expectError(try await gateway.client.get(signed), 502, "HubBroken", "evil.example")
        }
    }

    @Test("A store that redirects to another of the Hub's stays behind the gateway")
    @EventLoop func redirected() async throws {
        try await with { _ in
            Response(.notFound)
        } store: { request in
            request.target.path == "/x"
                ? Response(
                    .found, headers: ["Location": "https://\(request.headers["Host"] ?? "")/y?s=1"])
                : Response(.ok, body: Array("y".utf8))
        } body: { gateway, _, store in
            let signed = SignedURLCodec.example.path(to: store.origin.base + "/x", for: .read, until: 9_999_999_999)
            let first = try await gateway.client.get(signed)
            #expect(first.status == 302)
            let second = try await gateway.client.get(try path(first.headers["Location"], gateway))
            #expect(second.text == "y" && store.requests.last?.target.pathAndQuery == "/y?s=1")
        }
    }

    @Test("What is forged, expired or signed for another place is refused, and nobody is asked")
    @EventLoop func refused() async throws {
        try await with { _ in
            Response(.ok)
        } store: { _ in
            Response(.ok)
        } body: { gateway, hub, store in
            func signed(_ url: String, _ use: SignedURLCodec.Use = .read, until: Int = 9_999_999_999) -> String {
                SignedURLCodec.example.path(to: url, for: use, until: until)
            }
            let here = store.origin.base + "/x"
            let forged = SignedURLCodec(key: .ofThisStart).path(to: here, for: .read, until: 9_999_999_999)
            for path in [forged, "/-/signed/", signed(here) + "/x", signed(here) + "?x"] {
                expectError(try await gateway.client.get(path), 403, "SignedURLRefused", "not made by this gateway")
            }
            expectError(try await gateway.client.get(signed(here, until: 5)), 403, "SignedURLRefused", "expired")
            for url in ["http://169.254.169.254/latest", "https://127.0.0.1:1/x", hub.origin.base + "/api/whoami-v2"] {
                expectError(try await gateway.client.get(signed(url)), 403, "SignedURLRefused", "leads to")
            }
            expectError(
                try await gateway.client.get(signed(store.origin.base, .base) + "/%2e%2e/x"), 400, "TargetDotSegment")
            #expect(hub.requests.isEmpty && store.requests.isEmpty)
        }
    }

    @Test("The log has nothing of what is signed, and the metrics count it by itself")
    @EventLoop func counted() async throws {
        try await with { _ in
            Response(.ok)
        } store: { _ in
            Response(.ok, body: Array("x".utf8))
        } body: { gateway, _, store in
            let signed = SignedURLCodec.example.path(
                to: store.origin.base + "/secret", for: .base, until: 9_999_999_999)
            #expect(try await gateway.client.get(signed + "/v1/x?token=y").status == 200)
            let page = try await gateway.client.get("/-/metrics").text
            #expect(page.contains(#"hubgate_requests_total{route="content",status="2xx"} 1"#), "\(page.prefix(1500))")
            let line = try #require(gateway.logLines().first)
            #expect(line.contains(#""path":"/-/signed/***/v1/x?token=***""#), "\(line)")
        }
    }

    @Test("With xet = hide nobody is let into Xet, and what a list shows of it is gone")
    @EventLoop func hidden() async throws {
        try await with(xet: .hide) { _ in
            Response(
                .ok, headers: Self.json.adding("X-Xet-Hash", "ab"), body: Array(#"[{"path":"a","xetHash":"ab"}]"#.utf8))
        } store: { _ in
            Response(.ok)
        } body: { gateway, hub, _ in
            let refused = try await gateway.client.get("/api/models/u/r/xet-write-token/main")
            expectError(refused, 404, "NotFound", "HF_HUB_DISABLE_XET=1")
            #expect(hub.requests.isEmpty)
            let list = try await gateway.client.get("/api/models/u/r/tree/main", headers: ["Accept-Encoding": "gzip"])
            #expect(list.json == [["path": "a"]] && list.headers["X-Xet-Hash"] == nil)
            #expect(hub.requests.last?.headers["Accept-Encoding"] == "identity")
        }
    }
}

extension Headers {
    fileprivate func adding(_ name: String, _ value: String) -> Headers {
        var headers = self
        headers.append(name, value)
        return headers
    }
}

extension Response {
    /// With words replaced in its fields and body.
    fileprivate func naming(_ names: [(String, String)]) -> Response {
        func named(_ text: String) -> String {
            names.reduce(text) { $0.replacing($1.0, with: $1.1) }
        }
        var response = Response(status, body: Array(named(String(decoding: body, as: UTF8.self)).utf8))
        for (name, value) in headers { response.headers.append(name, named(value)) }
        return response
    }
}
