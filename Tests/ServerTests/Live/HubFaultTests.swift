@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What the Hub, or the way to it, can do wrong, and what the client is told.
@Suite("A Hub that fails", .live)
struct HubFaultTests {
    private static let order: JSON = ["type": "model", "name": "fake/a"]

    @Test(
        "The Hub's own refusals keep their status, code and sentence",
        arguments: [
            (400, "BadRequest", "No such sdk"), (402, nil, "Pay first"), (403, nil, "Not yours"),
            (404, "RepoNotFound", "Repository not found"), (409, nil, "You already created this model repo"),
            (412, nil, "Precondition failed"), (451, nil, "Gone by law"), (500, nil, "Oops"), (502, nil, "Bad gateway"),
            (503, nil, "Down for maintenance"),
        ])
    @EventLoop func refusals(status: Int, code: String?, message: String) async throws {
        var answer = try Response(Status(status), json: ["error": .string(message)])
        if let code { answer.headers.append("X-Error-Code", code) }
        let hub = try FakeHub(answer)
        try await withGateway(hub) { gateway in
            let reply = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(reply, status, code ?? Status(status).reason.filter { $0 != " " }, message)
            #expect(hub.requests.count == 1)
        }
    }

    @Test("A 429 brings the Hub's limits along")
    @EventLoop func tooMany() async throws {
        let limits: Headers = [
            "Retry-After": "7", "RateLimit": "\"api\";r=0;t=7",
            "RateLimit-Policy": "\"fixed window\";\"api\";q=500;w=300",
        ]
        let hub = try FakeHub(Response(.tooManyRequests, headers: limits, body: Array("slow down".utf8)))
        try await withGateway(hub) { gateway in
            let reply = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(reply, 429, "TooManyRequests", "slow down")
            for (name, value) in limits { #expect(reply.headers.values(of: name) == [value]) }
        }
    }

    @Test(
        "A URL that two readers could read in two ways is not called",
        arguments: [
            "other@HERE/", #"other:443\@HERE/"#, #"HERE\@other/"#, "other%40HERE/", "HERE:80/", "HERE /", "[HERE]/",
            "HERE/a b", "HERE/a\tb", "HERE/\u{7f}", "",
        ])
    @EventLoop func ambiguousURLs(form: String) async throws {
        let hub = try FakeHub(Response(.ok))
        try await withGateway(hub) { _ in
            let pool = try TransferPool()
            defer { pool.close() }
            let url = "http://" + form.replacing("HERE", with: "127.0.0.1:\(hub.port)")
            let transfer = pool.start(Request(method: .get, target: .root, headers: [:]), url: url, limits: .init())
            let failure = await #expect(throws: Failure.self) { try await transfer.responseHead() }
            #expect(failure?.kind == .hubUnreachable)
            #expect(failure?.detail.contains("the URL has") == true, "\(String(describing: failure))")
            #expect(hub.requests.isEmpty)
        }
    }

    @Test("A redirect is not followed: it would take the token elsewhere")
    @EventLoop func redirect() async throws {
        let hub = try FakeHub(Response(.temporaryRedirect, headers: ["Location": "/elsewhere"]))
        try await withGateway(hub) { gateway in
            let reply = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(reply, 502, "TemporaryRedirect")
            #expect(hub.requests.map(\.target.path) == ["/api/repos/delete"])
        }
    }

    @Test("A success that is not what the Hub promises is a 502", arguments: ["", "[]", "<html>", "{\"name\":1}"])
    @EventLoop func nonsense(body: String) async throws {
        let hub = try FakeHub(Response(.ok, text: body))
        try await withGateway(hub) { gateway in
            let reply = try await gateway.client.send(
                .post, "/api/repo", json: ["type": "model", "name": "a", "private": true])
            expectError(reply, 502, "HubBroken", "check whether it exists")
        }
    }

    @Test("Where nothing listens, it is a 502 that says so")
    @EventLoop func down() async throws {
        let hub = try FakeHub(.whoAmI)
        let origin = hub.origin
        hub.close()
        try await withGateway(origin) { gateway in
            expectError(try await gateway.client.get("/api/account"), 502, "HubUnreachable", "onnect")
            expectError(try await gateway.client.get("/-/ready"), 503, "NotReady", "cannot be reached")
            let home = try await gateway.client.get("/")
            #expect(home.status == 200 && home.text.contains("Unreachable"))
            #expect(try await gateway.client.get("/-/health").status == 200)
        }
    }

    @Test("A name that does not exist is a 502 that says which")
    @EventLoop func noName() async throws {
        let origin = HubOrigin(base: "https://hub.invalid", trust: .system, token: try Secret(Array("hf_x".utf8)))
        try await withGateway(origin, { $0.connectTimeout = .seconds(5) }) { gateway in
            expectError(try await gateway.client.get("/api/account"), 502, "HubUnreachable")
        }
    }

    @Test("A Hub that does not finish its handshake, answer or content in time is told as such")
    @EventLoop func slow() async throws {
        let silent = try RawHub { connection, _ in while connection.readHead() != nil {} }
        defer { silent.close() }
        let mute = HubOrigin(
            base: "https://127.0.0.1:\(silent.port)", trust: .system, token: try Secret(Array("hf_x".utf8)))
        try await withGateway(mute, { $0.connectTimeout = .milliseconds(200) }) { gateway in
            expectError(try await gateway.client.get("/api/account"), 502, "HubUnreachable", "time limit")
        }
        let door = Door()
        defer { door.open() }
        let slow = try FakeHub { exchange, request in
            if request.method == .delete {
                exchange.start(.ok, headers: [:], length: 100)
                exchange.flushHead()
            }
            await door.opened()
            exchange.abort()
        }
        defer { slow.close() }
        try await withGateway(slow.origin, { $0.firstByteTimeout = .milliseconds(300) }) { gateway in
            expectError(try await gateway.client.get("/api/account"), 504, "HubTooSlow", "no answer within")
        }
        // All of it has twice as long: this process, which runs all tests in one loop, must not be held up for as long as that.
        try await withGateway(slow.origin, { $0.stallTimeout = .seconds(3) }) { gateway in
            let stalled = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(stalled, 504, "HubTooSlow", "stood still")
        }
    }

    @Test("A response that is cut off is a 502, never a shorter answer", arguments: [20, nil])
    @EventLoop func cutOff(length: Int?) async throws {
        let hub = try FakeHub { exchange, _ in
            exchange.start(.ok, headers: ["Content-Type": "application/json"], length: length)
            exchange.write(#"{"name":"a"}"#)
            exchange.abort()
        }
        try await withGateway(hub) { gateway in
            expectError(try await gateway.client.get("/api/account"), 502, "HubBroken")
        }
    }

    @Test("A certificate of an unknown authority, or for another name, is a 502 that says so")
    @EventLoop func certificate() async throws {
        let hub = try FakeHub(.whoAmI)
        defer { hub.close() }
        let strangers = hub.origin(trust: .file(try TestCertificates.shared.get().authority))
        try await withGateway(strangers) { gateway in
            expectError(try await gateway.client.get("/api/account"), 502, "HubUnreachable", "certificate")
        }
        let renamed = HubOrigin(
            base: "https://127.0.0.2:\(hub.port)", trust: hub.origin.trust, token: hub.origin.token)
        try await withGateway(renamed) { gateway in
            expectError(try await gateway.client.get("/api/account"), 502, "HubUnreachable")
        }
        #expect(hub.requests.isEmpty)
    }

    @Test("Without a token it is a 503 that says how to set one, and the Hub is not asked")
    @EventLoop func noToken() async throws {
        let hub = try FakeHub(.whoAmI)
        defer { hub.close() }
        try await withGateway(hub.origin(token: nil)) { gateway in
            expectError(try await gateway.client.get("/api/account"), 503, "NoToken", "HF_ACCESS_TOKEN")
            let deleted = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(deleted, 503, "NoToken", "token_file")
            expectError(try await gateway.client.get("/-/ready"), 503, "NotReady", "HF_ACCESS_TOKEN")
            #expect(try await gateway.client.get("/").text.contains("No token"))
            #expect(hub.requests.isEmpty)
        }
    }

    @Test(
        "A response that is not HTTP as a gateway may take it is a 502, and the next call works", arguments: OddHead.all
    )
    @EventLoop func oddHead(head: OddHead) async throws {
        let hub = try RawHub { connection, number in
            guard connection.readHead() != nil else { return }
            connection.write(number == 0 ? head.bytes : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        }
        defer { hub.close() }
        try await withGateway(hub.origin) { gateway in
            let reply = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(reply, 502, "HubBroken", head.words)
            #expect(hub.requestCount == 1)
            let next = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            #expect(next.status == 200)
        }
    }

    @Test("What may act twice is sent once, on a new connection and on a kept one")
    @EventLoop func noRepeat() async throws {
        let hub = try RawHub { connection, _ in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            // Closes when the second request has come.
            _ = connection.readHead()
        }
        defer { hub.close() }
        try await withGateway(hub.origin) { gateway in
            #expect(try await gateway.client.get("/api/account").status == 200)
            let kept = try await gateway.client.send(.delete, "/api/repo", json: Self.order)
            expectError(kept, 502, "HubBroken", "closed before a response")
            #expect(hub.requestCount == 2)
        }
        let closing = try RawHub { connection, _ in _ = connection.readHead() }
        defer { closing.close() }
        try await withGateway(closing.origin) { gateway in
            for method in [HTTP.Method.post, .put, .delete] {
                let reply = try await gateway.client.send(
                    method, "/api/repo",
                    json: ["type": "model", "name": "a/b", "namespace": "a/b", "private": true])
                expectError(reply, 502, "HubBroken")
            }
            #expect(closing.requestCount == 3 && closing.connectionCount == 3)
        }
    }

    @Test("A GET is sent once more when a kept connection turns out closed")
    @EventLoop func repeated() async throws {
        let hub = try RawHub { connection, _ in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            _ = connection.readHead()
        }
        defer { hub.close() }
        try await withGateway(hub.origin, { $0.accountCacheTTL = .zero }) { gateway in
            let first = try await gateway.client.get("/api/account")
            let second = try await gateway.client.get("/api/account")
            #expect(first.status == 200 && second.status == 200)
            #expect(hub.requestCount == 3 && hub.connectionCount == 2)
        }
    }

    @Test("A response that ends with its connection, and one after interim responses, are whole")
    @EventLoop func unusual() async throws {
        let hub = try RawHub { connection, number in
            guard connection.readHead() != nil else { return }
            let first = number == 0 ? "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" : ""
            connection.write("\(first)HTTP/1.1 200 OK\r\nX-Request-Id: Root=1\r\n\r\n{\"name\":\"raw\"}")
        }
        defer { hub.close() }
        try await withGateway(hub.origin, { $0.accountCacheTTL = .zero }) { gateway in
            for _ in 0..<2 {
                let reply = try await gateway.client.get("/api/account")
                #expect((reply.status, reply.text) == (200, #"{"name":"raw"}"#))
                #expect(reply.headers["Link"] == nil)
            }
        }
    }
}
