@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// That what happens is counted where it happens; Tests/contract/test_metrics.py asks for the rest from outside.
@Suite("Counting", .live)
struct CountingTests {
    @EventLoop private func page(_ server: Server) throws -> PrometheusPage {
        try PrometheusPage(server.metrics.page())
    }

    @Test("Requests, calls to the Hub and connections are counted")
    @EventLoop func counts() async throws {
        try await withSandbox { gateway, _ in
            for _ in 1...3 { _ = try await gateway.client.get("/api/models") }
            _ = try await gateway.client.get("/-/nothing")
            #expect(await eventually { gateway.server.state.drainState.inFlight == 0 })
            let page = try page(gateway.server)
            #expect(page["hubgate_requests_total", ["route": "relay", "status": "2xx"]] == 3)
            #expect(page["hubgate_requests_total", ["route": "none", "status": "4xx"]] == 1)
            #expect(page["hubgate_request_duration_seconds_count", ["route": "relay"]] == 3)
            #expect(page["hubgate_upstream_calls_total", ["outcome": "whole"]] == 3)
            #expect(page["hubgate_upstream_connection_uses_total", ["connection": "new"]] == 1)
            #expect(page["hubgate_upstream_connection_uses_total", ["connection": "kept"]] == 2)
            #expect(page["hubgate_connections_total"] == 1 && page["hubgate_connections"] == 1)
            #expect(page["hubgate_tls_handshakes_total", ["result": "full"]] == 1)
            #expect(try #require(page["hubgate_sent_bytes_total"]) > 1000)
        }
    }

    @Test("Cached responses are requests, but no calls to the Hub")
    @EventLoop func held() async throws {
        try await withSandbox { gateway, _ in
            for _ in 1...5 { _ = try await gateway.client.get("/api/account") }
            let page = try page(gateway.server)
            #expect(page["hubgate_upstream_calls_total", ["outcome": "whole"]] == 1)
            #expect(page["hubgate_upstream_duration_seconds_count"] == 1)
        }
    }

    @Test("The page is an endpoint, in Prometheus' own type")
    @EventLoop func endpoint() async throws {
        try await withSandbox { gateway, _ in
            let reply = try await gateway.client.get("/-/metrics")
            #expect(reply.status == 200)
            #expect(reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(try PrometheusPage(reply.body)["hubgate_requests_in_flight"] == 1)
        }
    }

    @Test("With an admin address the page is there and nowhere else")
    @EventLoop func admin() async throws {
        let loopback = ListenAddress(address: IPAddress("127.0.0.1"), port: 0)
        try await withSandbox({ $0.adminListen = loopback }) { gateway, _ in
            let port = try #require(gateway.server.adminPort)
            let admin = try TestClient(
                base: "https://127.0.0.1:\(port)", authority: try TestCertificates.shared.get().authority)
            defer { admin.close() }
            expectError(try await gateway.client.get("/-/metrics"), 404, "NotFound")
            expectError(try await admin.get("/api/account"), 404, "NotFound")
            #expect(try await admin.get("/-/metrics").status == 200)
        }
    }
}
