@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What is below /v1 goes to another server than the rest, and costs money there.
@Suite("Inference", .live)
struct InferenceTests {
    private static let order: JSON = ["model": "m", "stream": true]
    private static let stream: Headers = ["Content-Type": "text/event-stream"]

    @Test("What is below /v1 goes to the router with the gateway's token, all else to the Hub")
    @EventLoop func road() async throws {
        try await withRouter(.whole("thought")) { gateway, hub, router in
            for path in ["/v1", "/v1/models?x=a%2Fb", "/v1/chat/completions"] {
                let reply = try await gateway.client.get(path, headers: ["Authorization": "Bearer hf_ofTheClient"])
                #expect((reply.status, reply.text) == (200, "thought"))
            }
            for path in ["/v1x", "/v12/models", "/V1/models", "/api/v1/", "/"] {
                #expect(try await gateway.client.get(path).text != "thought")
            }
            #expect(
                router.requests.map(\.target.pathAndQuery) == ["/v1", "/v1/models?x=a%2Fb", "/v1/chat/completions"])
            #expect(
                router.requests.allSatisfy { $0.headers.values(of: "Authorization") == ["Bearer \(FakeHub.token)"] })
            #expect(hub.requests.count == 5)
        }
    }

    @Test("In passthrough access the router gets the client's credential; without a token an open gateway says so")
    @EventLoop func credentials() async throws {
        try await withRouter(.whole("thought"), { $0.access = .passthrough }) { gateway, _, router in
            _ = try await gateway.client.get("/v1/models", headers: ["Authorization": "Bearer hf_ofTheClient"])
            _ = try await gateway.client.get("/v1/models")
            #expect(
                router.requests.map { $0.headers.values(of: "Authorization") } == [["Bearer hf_ofTheClient"], []])
        }
        try await withRouter(.whole("thought"), token: nil) { gateway, _, router in
            expectError(try await gateway.client.get("/v1/models"), 503, "NoToken", "HF_ACCESS_TOKEN")
            #expect(router.requests.isEmpty)
        }
    }

    @Test("Who pays is the setting on every relayed call, or else whom the client names")
    @EventLoop func bill() async throws {
        for (setting, wanted, told) in [
            ("acme", ["acme", "acme"], ["acme", "acme"]), (nil, ["mine", ""], ["mine", ""]),
        ] {
            try await withRouter(.whole("thought"), { $0.billTo = setting }) { gateway, hub, router in
                _ = try await gateway.client.send(
                    .post, "/v1/x", json: Self.order, headers: ["x-hf-bill-to": "mine", "X-Other": "x"])
                _ = try await gateway.client.send(.post, "/v1/x", json: Self.order)
                _ = try await gateway.client.send(
                    .post, "/api/inference-proxy/x", json: Self.order, headers: ["X-Hf-bill-TO": "mine"])
                _ = try await gateway.client.get("/api/x")
                #expect(router.requests.map { $0.headers.values(of: "X-HF-Bill-To").joined() } == wanted)
                #expect(hub.requests.map { $0.headers.values(of: "X-HF-Bill-To").joined() } == told)
            }
        }
    }

    @Test("Each event goes out before the next comes in")
    @EventLoop func events() async throws {
        let doors = (0..<3).map { _ in Door() }
        defer { doors.forEach { $0.open() } }
        let answer = Thought { exchange in
            exchange.start(.ok, headers: Self.stream, length: nil)
            for (number, door) in doors.enumerated() {
                exchange.write("data: {\"n\":\(number)}\n\n")
                await door.opened()
            }
            exchange.write("data: [DONE]\n\n")
            exchange.finish()
        }
        try await withRouter(answer) { gateway, _, router in
            let reader = EventReader()
            let call = try gateway.client.stream("/v1/chat/completions", json: Self.order, into: reader)
            for number in 0..<3 {
                #expect(await eventually { reader.events.count == number + 1 })
                #expect(reader.events.last == "data: {\"n\":\(number)}")
                doors[number].open()
            }
            try await call.done()
            #expect(reader.events.last == "data: [DONE]" && reader.events.count == 4)
            #expect(reader.head?.headers["Content-Type"] == "text/event-stream")
            #expect(reader.head?.headers["Content-Encoding"] == nil)
            #expect(router.requests.count == 1)
            #expect(gateway.logLines().first?.contains("\"path\":\"/v1/chat/completions\"") == true)
        }
    }

    @Test("A client that leaves cancels the call, before the first event and between two", arguments: [0, 2])
    @EventLoop func leaving(after events: Int) async throws {
        let door = Door()
        defer { door.open() }
        let answer = Thought { exchange in
            if events > 0 { exchange.start(.ok, headers: Self.stream, length: nil) }
            for number in 0..<events { exchange.write("data: \(number)\n\n") }
            await door.opened()
            exchange.abort()
        }
        try await withRouter(answer) { gateway, _, router in
            let reader = EventReader()
            let call = try gateway.client.stream("/v1/chat/completions", json: Self.order, into: reader)
            #expect(await eventually { router.requests.count == 1 && reader.events.count == events })
            #expect(router.goneCount == 0)
            call.cancel()
            #expect(await eventually { router.goneCount == 1 })
            #expect(await eventually { gateway.server.state.drainState.inFlight == 0 })
            #expect(router.requests.count == 1)
        }
    }

    @Test("A model may think for longer than the Hub may, and not for ever")
    @EventLoop func patience() async throws {
        let answer = Thought { exchange in
            await EventLoop.sleep(milliseconds: 300)
            exchange.start(.ok, headers: Self.stream, length: nil)
            exchange.write("data: 1\n\n")
            await EventLoop.sleep(milliseconds: 300)
            exchange.write("data: 2\n\n")
            exchange.finish()
        }
        let short = { (settings: inout Settings) in
            settings.firstByteTimeout = .milliseconds(100)
            settings.stallTimeout = .milliseconds(100)
        }
        try await withRouter(answer, short) { gateway, _, _ in
            let reply = try await gateway.client.send(.post, "/v1/x", json: Self.order)
            #expect((reply.status, reply.text) == (200, "data: 1\n\ndata: 2\n\n"))
        }
        let shorter = { (settings: inout Settings) in settings.inferenceTimeout = .milliseconds(100) }
        try await withRouter(answer, shorter) { gateway, _, _ in
            let reply = try await gateway.client.send(.post, "/v1/x", json: Self.order)
            expectError(reply, 504, "HubTooSlow", "The inference router is too slow")
        }
    }

    @Test("A stream that the router breaks off is broken off, and not asked for again")
    @EventLoop func broken() async throws {
        let answer = Thought { exchange in
            exchange.start(.ok, headers: Self.stream, length: nil)
            exchange.write("data: 1\n\n")
            exchange.abort()
        }
        try await withRouter(answer) { gateway, _, router in
            await #expect(throws: Failure.self) {
                _ = try await gateway.client.send(.post, "/v1/x", json: Self.order)
            }
            #expect(router.requests.count == 1)
        }
    }

    @Test("A redirect leads here or nowhere")
    @EventLoop func redirects() async throws {
        let answer = Thought { exchange in
            let isOwn = exchange.request.target.path == "/v1/old"
            let place = isOwn ? "https://\(exchange.request.headers["Host"] ?? "")/v1/new" : "https://evil.example/v1/x"
            exchange.send(Response(.temporaryRedirect, headers: ["Location": place]))
        }
        try await withRouter(answer) { gateway, _, _ in
            let moved = try await gateway.client.send(.post, "/v1/old", json: Self.order)
            #expect(moved.status == 307)
            #expect(moved.headers["Location"] == "https://127.0.0.1:\(gateway.server.port)/v1/new")
            let away = try await gateway.client.send(.post, "/v1/x", json: Self.order)
            expectError(away, 502, "HubBroken", "evil.example")
        }
    }

    @Test("A page of another site cannot spend the gateway's money, and a gateway without a router says what to do")
    @EventLoop func refused() async throws {
        try await withRouter(.whole("thought")) { gateway, _, router in
            let reply = try await gateway.client.send(
                .post, "/v1/x", json: Self.order, headers: ["Origin": "https://evil.example"])
            expectError(reply, 403, "Denied")
            #expect(router.requests.isEmpty)
        }
        try await withGateway(FakeHub(.whoAmI)) { gateway in
            expectError(try await gateway.client.get("/v1/models"), 404, "NotFound", "inference_upstream")
        }
    }
}

/// What the router of a test answers.
private struct Thought: Sendable {
    let answer: @EventLoop @Sendable (Exchange) async -> Void

    static func whole(_ text: String) -> Thought {
        Thought { $0.send(Response(.ok, text: text)) }
    }
}

/// A gateway in front of a Hub and a router, all closed at the end.
@EventLoop
private func withRouter(
    _ thought: Thought, token: String? = FakeHub.token, _ change: (inout Settings) -> Void = { _ in },
    _ body: @EventLoop (TestGateway, _ hub: FakeHub, _ router: FakeHub) async throws -> Void
) async throws {
    let hub = try FakeHub(Response(.ok, text: "hub"))
    defer { hub.close() }
    let router = try FakeHub { exchange, _ in await thought.answer(exchange) }
    defer { router.close() }
    var origin = hub.origin(trust: .all(of: [hub, router]), token: token)
    origin.inference = router.origin.base
    try await withGateway(origin, change) { try await body($0, hub, router) }
}

/// The events that have come so far.
@EventLoop
private final class EventReader: TransferSink {
    private(set) var head: Transfer.Head?
    private var bytes: [UInt8] = []

    var events: [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").map(String.init)
    }

    func begin(_ head: Transfer.Head) { self.head = head }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe self.bytes.append(contentsOf: bytes)
        return true
    }
}
