@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// JSON that is made to be slow to read holds up no other request.
@Suite("Hostile JSON", .live)
struct HostileJSONTests {
    private static let megabyte = 1_000_000

    private static let bodies: [(String, String, String)] = [
        ("deep", "[" + String(repeating: "[", count: megabyte - 2), "deeper than 4 levels"),
        ("deep objects", String(repeating: #"{"a":"#, count: megabyte / 5 - 1), "deeper than 4 levels"),
        (
            "members", "{" + (0..<60_000).map { #""m\#($0)":\#($0)"# }.joined(separator: ",") + "}",
            "more than 64 values"
        ),
        ("values", "[" + String(repeating: "1e5,", count: megabyte / 4 - 2) + "1]", "more than 64 values"),
        ("spaces", String(repeating: " ", count: megabyte), "more than 262144 bytes"),
    ]

    /// By number, as each argument is printed.
    @Test(
        "A megabyte to POST /api/repo is refused, while another client's fixed request is answered",
        arguments: bodies.indices)
    @EventLoop func orders(number: Int) async throws {
        let (_, body, says) = Self.bodies[number]
        let hub = try FakeHub(Response(.ok, text: "OK"))
        defer { hub.close() }
        try await withGateway(hub) { gateway in
            let others = try TestClient(
                base: "https://127.0.0.1:\(gateway.server.port)", authority: try TestCertificates.shared.get().authority
            )
            defer { others.close() }
            let watch = Watch()
            let watching = EventLoop.task { await watch.run(others) }
            let headers: Headers = ["Content-Type": "application/json"]
            let reply = try await gateway.client.send(.post, "/api/repo", body: Array(body.utf8), headers: headers)
            watch.isDone = true
            await watching.value
            expectError(reply, 400, "BadRequest", body.utf8.count > 262_144 ? "more than 262144 bytes" : says)
            #expect(watch.longest < .seconds(5))
            #expect(hub.requests.isEmpty)
        }
    }

    @Test("A hostile answer of the Hub to an order is an error, and not read to the end")
    @EventLoop func answers() async throws {
        let deep = Array(String(repeating: "[", count: 60_000).utf8)
        for (status, body, wanted) in [
            (Status.ok, deep, 502), (.ok, [UInt8](repeating: 0x20, count: 100_000), 502), (.conflict, deep, 409),
            (.conflict, [UInt8](repeating: 0x61, count: 3_000_000), 409),
        ] {
            let hub = try FakeHub(Response(status, headers: ["Content-Type": "application/json"], body: body))
            defer { hub.close() }
            try await withGateway(hub) { gateway in
                let order: JSON = ["type": "model", "name": "a/b", "private": true]
                let reply = try await gateway.client.send(.post, "/api/repo", json: order)
                #expect(reply.status == wanted)
                #expect(reply.body.count < 4096)
            }
        }
    }
}

/// Asks for a fixed reply again and again, and knows how long the longest took.
@EventLoop
private final class Watch {
    var isDone = false
    private(set) var longest = Duration.zero

    func run(_ client: TestClient) async {
        let clock = ContinuousClock()
        while !isDone {
            let began = clock.now
            _ = try? await client.get("/-/health")
            longest = max(longest, clock.now - began)
        }
    }
}
