@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

/// Which token the Hub sees, how often it is asked for the account, and that no other server sees the token.
@Suite("Tokens and accounts", .live)
struct AccessTests {
    private static let order: JSON = ["type": "model", "name": "a/b"]

    @Test("In open access the gateway's token goes to the Hub, and the client's own never does")
    @EventLoop func open() async throws {
        let hub = try FakeHub(.whoAmI)
        try await withGateway(hub) { gateway in
            let mine: Headers = ["Authorization": "Bearer hf_ofTheClient", "Cookie": "a=b", "X-Mine": "c"]
            let account = try await gateway.client.get("/api/account", headers: mine)
            let deleted = try await gateway.client.send(.delete, "/api/repo", json: Self.order, headers: mine)
            #expect(account.status == 200 && deleted.status == 200)
            #expect(hub.requests.count == 2)
            for request in hub.requests {
                #expect(request.headers.values(of: "Authorization") == ["Bearer \(FakeHub.token)"])
                #expect(!request.headers.contains("Cookie") && !request.headers.contains("X-Mine"))
                #expect(request.headers["X-Amzn-Trace-Id"]?.hasPrefix("hg-") == true)
                #expect(request.headers["User-Agent"] == "hubgate/\(Version.number)")
            }
        }
    }

    @Test(
        "After a reload with another token another account is told at once, and with the same token the one that is held"
    )
    @EventLoop func reload() async throws {
        let hub = try FakeHub(.whoAmI)
        try await withGateway(hub) { gateway in
            _ = try await gateway.client.get("/api/account")
            try gateway.reload(token: hub.origin.token)
            _ = try await gateway.client.get("/api/account")
            #expect(hub.requests.count == 1)
            try gateway.reload(token: Secret(Array("hf_another".utf8)))
            _ = try await gateway.client.get("/api/account")
            #expect(hub.requests.last?.headers["Authorization"] == "Bearer hf_another")
            #expect(hub.requests.count == 2)
        }
    }

    @Test("In passthrough access the client's token goes to the Hub as it came, and the gateway's own never does")
    @EventLoop func passthrough() async throws {
        let hub = try FakeHub(.whoAmI)
        try await withGateway(hub, { $0.access = .passthrough }) { gateway in
            for value in ["Bearer hf_ofTheClient", "bearer hf_another", "Basic aGY6eA==", "Digest x", nil] {
                let headers: Headers = value.map { ["Authorization": $0] } ?? [:]
                let reply = try await gateway.client.send(.delete, "/api/repo", json: Self.order, headers: headers)
                #expect(reply.status == 200)
            }
            #expect(
                hub.requests.map { $0.headers.values(of: "Authorization") }
                    == [["Bearer hf_ofTheClient"], ["Bearer hf_another"], ["Basic aGY6eA=="], [], []])
            let ready = try await gateway.client.get("/-/ready")
            #expect(ready.status == 200)
            #expect(hub.requests.last?.headers.contains("Authorization") == false)
        }
    }

    @Test("A 401 blames the gateway's token in open access, and the client's in passthrough")
    @EventLoop func unauthorized() async throws {
        let answer = Response(
            .unauthorized, headers: ["X-Error-Message": "Invalid credentials in Authorization header"])
        let open = try FakeHub(answer)
        try await withGateway(open) { gateway in
            let reply = try await gateway.client.get("/api/account")
            expectError(reply, 401, "Unauthorized", "The Hub does not take this gateway's token (Invalid credentials")
            let plain = try await gateway.client.get("/api/account", headers: ["Accept": "text/plain"])
            #expect(plain.text == "ERROR: Access token unauthorized\n")
        }
        let passthrough = try FakeHub(answer)
        try await withGateway(passthrough, { $0.access = .passthrough }) { gateway in
            let reply = try await gateway.client.get("/api/account")
            #expect(reply.status == 401)
            #expect(reply["error"] == "Invalid credentials in Authorization header")
        }
    }

    @Test("The Hub's account is passed on without the token, even one that the Hub repeats")
    @EventLoop func secret() async throws {
        let token = FakeHub.token
        let hub = try FakeHub(
            Response(
                .ok,
                json: [
                    "name": "a",
                    "auth": ["type": "access_token", "accessToken": ["role": "write", "value": .string(token)]],
                ]))
        try await withGateway(hub) { gateway in
            let reply = try await gateway.client.get("/api/account")
            #expect(reply.json == ["name": "a", "auth": ["type": "access_token", "accessToken": ["role": "write"]]])
        }
    }

    @Test("A hundred calls at once ask the Hub once; it is asked again when the response has been held")
    @EventLoop func coalesced() async throws {
        let door = Door()
        let hub = try FakeHub { exchange, _ in
            await door.opened()
            exchange.send(.whoAmI)
        }
        try await withGateway(hub, { $0.accountCacheTTL = .seconds(1) }) { gateway in
            var statuses: [Int] = []
            let calls = (0..<100).map { _ in
                EventLoop.task { statuses.append((try? await gateway.client.get("/api/account").status) ?? 0) }
            }
            #expect(await eventually { gateway.server.state.drainState.inFlight == 100 })
            door.open()
            for call in calls { await call.value }
            #expect(statuses == Array(repeating: 200, count: 100))
            #expect(hub.requests.count == 1)
            await EventLoop.sleep(milliseconds: 1100)
            let later = try await gateway.client.get("/api/account")
            #expect(later.status == 200)
            #expect(hub.requests.count == 2)
        }
    }

    @Test("Each credential has an account of its own")
    @EventLoop func separate() async throws {
        let hub = try FakeHub { exchange, request in
            let token = request.headers["Authorization"]?.split(separator: "_").last ?? "nobody"
            exchange.send(Response(.ok, text: #"{"name":"\#(token)"}"#, type: "application/json"))
        }
        try await withGateway(hub, { $0.access = .passthrough }) { gateway in
            for _ in 0..<2 {
                for name in ["ann", "bob"] {
                    let reply = try await gateway.client.get(
                        "/api/account", headers: ["Authorization": "Bearer hf_\(name)"])
                    #expect(reply["name"] == name)
                }
                #expect(try await gateway.client.get("/api/account")["name"] == "nobody")
            }
            #expect(hub.requests.count == 3)
        }
    }

    @Test("A failure is held shortly, so that a wrong token does not become a stream of wrong calls")
    @EventLoop func failuresHeld() async throws {
        let hub = try FakeHub(Response(.unauthorized))
        try await withGateway(hub) { gateway in
            for _ in 0..<5 {
                let reply = try await gateway.client.get("/api/account")
                #expect(reply.status == 401)
            }
            #expect(hub.requests.count == 1)
        }
    }

    @Test("A log line is JSON with what happened, and without a token or a query's secrets")
    @EventLoop func log() async throws {
        let hub = try FakeHub(.whoAmI)
        try await withGateway(hub) { gateway in
            let headers: Headers = ["Authorization": "Bearer hf_ofTheClient", "User-Agent": "x\"y"]
            let account = try await gateway.client.get("/api/account?token=s3cret&x=hf_abc&page=2", headers: headers)
            let missing = try await gateway.client.get("/-/a%0Ab%22?sig=s3cret&ok=1")
            _ = try await RawClient.talk(port: gateway.server.port, "BROKEN hf_secret\r\n\r\n")
            let lines = gateway.logLines()
            #expect(lines.count == 3)
            for secret in ["s3cret", "hf_", FakeHub.token] { #expect(!lines.joined().contains(secret)) }
            let parsed = try lines.map { try JSON.parse(Array($0.utf8)) }
            let first = try #require(parsed.first)
            #expect(first["method"] == "GET")
            #expect(first["path"] == "/api/account?token=***&x=***&page=2")
            #expect(first["status"] == 200)
            #expect(first["peer"] == "127.0.0.1")
            #expect(first["bytes"] == .integer(Int64(account.body.count)))
            #expect(first["request_id"]?.stringValue == account.headers["X-Request-Id"])
            #expect(first["hub_request_id"] == "Root=fake")
            #expect(first["time"]?.stringValue?.hasSuffix("Z") == true)
            #expect(first["ms"] != nil && first["upstream_ms"] != nil && first["end"] == nil)
            #expect(parsed[1]["status"] == 404)
            #expect(parsed[1]["path"] == "/-/a%0Ab%22?sig=***&ok=1")
            #expect(parsed[1]["request_id"]?.stringValue == missing.headers["X-Request-Id"])
            #expect(parsed[2]["status"] == 400)
        }
    }
}
