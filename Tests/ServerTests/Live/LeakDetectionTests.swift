@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Answers that would lead a client past the gateway are counted, told of, and with `strict_leaks` not given.
@Suite("Escapes", .live)
struct LeakDetectionTests {
    private static let json: Headers = ["Content-Type": "application/json"]
    private static let page = "hubgate_upstream_leaks_total{place="

    @EventLoop private func counts(_ gateway: TestGateway) async throws -> [String] {
        try await gateway.client.get("/-/metrics").text.split(separator: "\n")
            .filter { $0.hasPrefix(Self.page) && !$0.hasSuffix(" 0") }.map { String($0.dropFirst(Self.page.count)) }
    }

    @Test("A response that leads back here is none, whatever it is")
    @EventLoop func none() async throws {
        let hub = try FakeHub { exchange, request in
            let own = "https://\(request.headers["Host"] ?? "")"
            var headers: Headers = [
                "Location": "\(own)/x", "Link": "<\(own)/y>; rel=next, </z>; rel=up", "X-Other": "https://hf.co/x",
            ]
            headers.append("Content-Type", "application/json")
            exchange.send(Response(.ok, headers: headers, body: Array(#"{"url":"\#(own)/u/r","text":"\#(own)"}"#.utf8)))
        }
        try await withGateway(hub, { $0.strictLeaks = true }) { gateway in
            for method in [HTTP.Method.get, .post, .head] {
                let reply = try await gateway.client.send(method, "/api/repos/create")
                #expect(reply.status == 200)
            }
            let found = try await counts(gateway)
            #expect(found.isEmpty)
        }
    }

    @Test("Without strict_leaks it goes out and is counted; with it, it is a 502 that says where it leads")
    @EventLoop func fields() async throws {
        let fields: [(String, String, String)] = [
            ("Link", "<https://cdn-lfs.huggingface.co/x?secret=s3cret>; rel=\"next\"", "link"),
            ("Location", "http://huggingface.co/x?secret=s3cret", "location"),
            ("X-Xet-Refresh-Route", "http://huggingface.co/x?secret=s3cret", "xet_refresh_route"),
            ("Refresh", "0; url=https://huggingface.co/?secret=s3cret", "refresh"),
        ]
        for (name, value, place) in fields {
            for isStrict in [false, true] {
                let hub = try FakeHub(Response(.ok, headers: [name: value], body: Array("OK".utf8)))
                try await withGateway(hub, { $0.strictLeaks = isStrict }) { gateway in
                    for _ in 0..<2 {
                        let reply = try await gateway.client.get("/x")
                        if isStrict {
                            expectError(reply, 502, "HubBroken", "strict_leaks")
                            #expect(reply["error"]?.contains(".co, past this gateway") == true)
                            #expect(!reply.text.contains("s3cret") && !reply.headers.contains(name))
                        } else {
                            #expect((reply.status, reply.text) == (200, "OK"))
                            #expect(reply.headers[name] == value)
                        }
                    }
                    let found = try await counts(gateway)
                    #expect(found == ["\"\(place)\"} 2"])
                    #expect(gateway.warnings.count == 1)
                    #expect(gateway.warnings.first?.contains("\(name) names ") == true)
                    #expect(!gateway.warnings.joined().contains("s3cret"))
                }
            }
        }
    }

    @Test(
        "In rewritten JSON too; a response of which nothing has gone out becomes a 502, another is cut",
        arguments: [0, 100_000])
    @EventLoop func bodies(before count: Int) async throws {
        let body = #"{"text":"\#(String(repeating: "a", count: count))","uploadUrl":"https://cdn-lfs.hf.co/x?s3cret"}"#
        for isStrict in [false, true] {
            let hub = try FakeHub { exchange, _ in
                exchange.start(.ok, headers: Self.json, length: body.utf8.count)
                exchange.write(String(body.prefix(count)))
                await EventLoop.sleep(milliseconds: 20)
                exchange.write(String(body.dropFirst(count)))
                exchange.finish()
            }
            try await withGateway(hub, { $0.strictLeaks = isStrict }) { gateway in
                if !isStrict {
                    let reply = try await gateway.client.send(.post, "/u/r.git/info/lfs/objects/batch")
                    #expect(reply.text == body)
                } else if count == 0 {
                    let reply = try await gateway.client.send(.post, "/u/r.git/info/lfs/objects/batch")
                    expectError(reply, 502, "HubBroken", "the JSON of its response leads to cdn-lfs.hf.co")
                    #expect(!reply.text.contains("s3cret"))
                } else {
                    await #expect(throws: Failure.self) {
                        _ = try await gateway.client.send(.post, "/u/r.git/info/lfs/objects/batch")
                    }
                }
                let found = try await counts(gateway)
                #expect(found == ["\"body\"} 1"])
                #expect(
                    gateway.warnings == [
                        "A response of the Hub leads clients past this gateway: the JSON names "
                            + "cdn-lfs.hf.co. hubgate_upstream_leaks_total counts them; strict_leaks answers 502 instead."
                    ])
            }
        }
    }

    @Test(
        "The head that a file's redirect leaves is turned round and looked at as well",
        arguments: [HTTP.Method.get, .head])
    @EventLoop func hops(method: HTTP.Method) async throws {
        let store = try FakeHub(Response(.ok, text: "content"))
        defer { store.close() }
        for (link, place) in [("own", nil), ("https://cas-server.xethub.hf.co/x", "\"link\"} 1")] {
            let hub = try FakeHub { exchange, request in
                let target = link == "own" ? "https://\(request.headers["Host"] ?? "")/api/x" : link
                exchange.send(
                    Response(
                        .found,
                        headers: [
                            "Location": "\(store.origin.base)/x", "X-Linked-Size": "7",
                            "Link": "<\(target)>; rel=\"xet-auth\"",
                        ]))
            }
            defer { hub.close() }
            var origin = hub.origin(trust: .all(of: [hub, store]))
            origin.contentOrigins = [store.origin.base]
            try await withGateway(origin, { $0.strictLeaks = true }) { gateway in
                let reply = try await gateway.client.send(method, "/u/r/resolve/main/f")
                #expect(reply.status == (place == nil ? 200 : 502))
                if place == nil {
                    #expect(
                        reply.headers["Link"] == "<https://127.0.0.1:\(gateway.server.port)/api/x>; rel=\"xet-auth\"")
                }
                let found = try await counts(gateway)
                #expect(found == (place.map { [$0] } ?? []))
            }
        }
    }

    @Test("A Hub that names ever more hosts does not fill the log")
    @EventLoop func flood() {
        let warnings = Warnings()
        let watch = LeakReporter(metrics: Metrics()) { warnings.lines.append($0) }
        for number in 0..<3000 { watch.note(UpstreamLeak(place: .link, host: "\(number % 1500).hf.co")) }
        #expect(warnings.lines.count == 1000)
    }
}
