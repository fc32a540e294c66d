@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

/// What a client can do wrong, and that the Hub hears nothing of it.
@Suite("Requests that are refused", .live)
struct ClientFaultTests {
    @Test("A wrong order is a 400 that names the field and the rule", arguments: FaultyOrder.all)
    @EventLoop func orders(order: FaultyOrder) async throws {
        try await withSandbox { gateway, sandbox in
            let reply = try await gateway.client.send(order.method, "/api/repo", json: order.body)
            expectError(reply, 400, "BadRequest", order.words)
            #expect(sandbox.sandbox.journal.isEmpty)
        }
    }

    @Test("A body that is no JSON is a 400", arguments: ["", "{", "{\"type\":}", "nul", "{} {}", "\u{FEFF}{}x"])
    @EventLoop func noJSON(body: String) async throws {
        try await withSandbox { gateway, sandbox in
            let reply = try await gateway.client.send(
                .post, "/api/repo", body: Array(body.utf8), headers: ["Content-Type": "application/json"])
            expectError(reply, 400, "BadRequest")
            #expect(sandbox.sandbox.journal.isEmpty)
        }
    }

    @Test("An unknown path is a 404 that repeats it without its secrets")
    @EventLoop func notFound() async throws {
        try await withSandbox { gateway, _ in
            let reply = try await gateway.client.get("/-/rebo?token=abc&x=1")
            expectError(reply, 404, "NotFound", "/-/rebo?token=***&x=1")
            let kept = try await gateway.client.get("/-/health")
            #expect(kept.status == 200)
        }
    }

    @Test(
        "A known path with another method is a 405 that lists the methods",
        arguments: [
            (Method.delete, "/api/account", "GET, HEAD"), (.post, "/", "GET, HEAD"),
            (.options, "/-/health", "GET, HEAD"),
            (.get, "/api/repo", "POST, PUT, DELETE"), (.patch, "/api/repo", "POST, PUT, DELETE"),
        ])
    @EventLoop func methodNotAllowed(method: Method, target: String, allow: String) async throws {
        try await withSandbox { gateway, _ in
            let reply = try await gateway.client.send(method, target)
            expectError(reply, 405, "MethodNotAllowed", "use \(allow)")
            #expect(reply.headers["Allow"] == allow)
        }
    }

    @Test("Only JSON's media type is accepted", arguments: ["", "text/plain", "application/x-www-form-urlencoded"])
    @EventLoop func mediaType(type: String) async throws {
        try await withSandbox { gateway, sandbox in
            let headers: Headers = type.isEmpty ? [:] : ["Content-Type": type]
            let body = Array(#"{"type":"model","name":"a","private":true}"#.utf8)
            let reply = try await gateway.client.send(.post, "/api/repo", body: body, headers: headers)
            expectError(reply, 415, "UnsupportedMediaType", "application/json")
            #expect(sandbox.sandbox.journal.isEmpty)
            let named = try await gateway.client.send(
                .post, "/api/repo", body: body, headers: ["Content-Type": "Application/JSON; charset=utf-8"])
            #expect(named.status == 200)
        }
    }

    @Test("A body above the limit is a 413, whether its length is declared or it comes in chunks")
    @EventLoop func tooLarge() async throws {
        try await withSandbox({ $0.bodyLimit = .kibibytes(1) }) { gateway, sandbox in
            let large = String(repeating: "x", count: 3000)
            let declared = try await gateway.client.send(
                .post, "/api/repo", json: ["type": "model", "name": .string(large), "private": true])
            expectError(declared, 413, "ContentTooLarge", "1024 bytes")
            #expect(declared.headers["Connection"] == "close")
            let chunked = try await gateway.client.send(
                .post, "/api/repo", json: ["type": "model", "name": .string(large), "private": true],
                headers: ["Transfer-Encoding": "chunked"])
            expectError(chunked, 413, "ContentTooLarge", "1024 bytes")
            let small = try await gateway.client.send(
                .post, "/api/repo", json: ["type": "model", "name": "a", "private": true],
                headers: ["Transfer-Encoding": "chunked"])
            #expect(small.status == 200, "\(small.text)")
            #expect(sandbox.sandbox.journal.count == 1)
        }
    }

    @Test(
        "A request that breaks HTTP is refused as an error like any other, and its connection closes",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
            ("POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "a: b\r\n", count: 200))\r\n", 431),
            ("POST /api/repo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ])
    @EventLoop func refused(text: String, status: Int) async throws {
        try await withSandbox { gateway, sandbox in
            let answer = try await RawClient.talk(port: gateway.server.port, text)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            for field in ["X-Error-Code: ", "X-Error-Message: ", "X-Request-Id: ", "Connection: close"] {
                #expect(answer.contains("\r\n\(field)"))
            }
            #expect(answer.contains(#""code":"#) && answer.contains(#""request_id":"hg-"#))
            #expect(sandbox.sandbox.journal.isEmpty)
        }
    }
}
