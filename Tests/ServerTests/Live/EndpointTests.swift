@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

/// Each endpoint as a client sees it, with the sandbox as its Hub.
@Suite("The endpoints", .live)
struct EndpointTests {
    @Test("The account is the Hub's JSON, with nothing of the token but what cannot help to misuse it")
    @EventLoop func account() async throws {
        try await withSandbox { gateway, sandbox in
            let reply = try await gateway.client.get("/api/account")
            #expect(reply.status == 200)
            #expect(reply.headers["Content-Type"] == "application/json")
            #expect(reply.headers["Cache-Control"] == "no-store")
            #expect(reply.headers["Content-Length"] == "\(reply.body.count)")
            #expect(reply.headers["X-Request-Id"]?.hasPrefix("hg-") == true)
            #expect(reply["name"] == "sandbox")
            #expect(reply.json?["auth"]?["accessToken"]?["role"] == "write")
            #expect(!reply.text.contains("hf_"))
            #expect(sandbox.sandbox.journal.map(\.target) == ["/api/whoami-v2"])
        }
    }

    @Test("A repository is created, hidden, shown and deleted, and the Hub is asked once for each")
    @EventLoop func life() async throws {
        try await withSandbox { gateway, sandbox in
            let client = gateway.client
            let created = try await client.send(
                .post, "/api/repo", json: ["type": "model", "name": "mine", "private": true])
            #expect(created.status == 200)
            let url = "\(sandbox.origin.base)/sandbox/mine"
            let result: JSON = [
                "message": .string("New repo created: \(url)"), "url": .string(url), "name": "sandbox/mine",
                "type": "model",
            ]
            #expect(created.json == result)
            let shown = try await client.send(
                .put, "/api/repo", json: ["type": "model", "namespace": "sandbox/mine", "private": "false"])
            #expect(shown.status == 200)
            #expect(shown["message"] == "SUCCESS: Repo visibility updated")
            #expect(shown.json?["private"] == false)
            let deleted = try await client.send(.delete, "/api/repo", json: ["type": "model", "name": "mine"])
            #expect(deleted.status == 200)
            #expect(deleted["message"] == "SUCCESS: Deleted repo")
            #expect(deleted.headers["X-Request-Id"] != created.headers["X-Request-Id"])
            let journal = sandbox.sandbox.journal
            #expect(journal.map(\.method) == [.post, .put, .delete])
            #expect(
                journal.map(\.target) == [
                    "/api/repos/create", "/api/models/sandbox/mine/settings", "/api/repos/delete",
                ])
            #expect(journal.allSatisfy { $0.credential == "sandbox" })
        }
    }

    @Test(
        "Every spelling of a kind is accepted, a space gets an SDK, and an owner may stand in two places",
        arguments: [
            ["type": "model", "name": "a", "private": false],
            ["type": "Models", "name": "acme/a", "private": "true"],
            ["type": "DATASETS", "name": "a", "organization": "acme", "private": true, "more": [1]],
            ["type": "dataset", "name": "a", "organization": nil, "private": false],
            ["type": "spaces", "name": "a", "private": true],
            ["type": "space", "name": "acme/a", "sdk": "gradio", "private": false],
        ] as [JSON])
    @EventLoop func spellings(body: JSON) async throws {
        try await withSandbox { gateway, _ in
            let reply = try await gateway.client.send(.post, "/api/repo", json: body)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(reply["name"]?.hasSuffix("/a") == true)
        }
    }

    @Test("Plain text brings the original's sentences")
    @EventLoop func plainText() async throws {
        try await withSandbox { gateway, sandbox in
            let client = gateway.client
            let plain: Headers = ["Accept": "text/plain"]
            let order: JSON = ["type": "model", "name": "b", "namespace": "sandbox/b", "private": true]
            let created = try await client.send(.post, "/api/repo", json: order, headers: plain)
            #expect(created.text == "New repo created: \(sandbox.origin.base)/sandbox/b\n")
            #expect(created.headers["Content-Type"] == "text/plain; charset=utf-8")
            let again = try await client.send(.post, "/api/repo", json: order, headers: plain)
            #expect((again.status, again.text) == (409, "ERROR: This repo already exists\n"))
            #expect(again.headers["X-Error-Code"] != nil)
            let updated = try await client.send(
                .put, "/api/repo", json: ["type": "model", "namespace": "sandbox/b", "private": true], headers: plain)
            #expect(updated.text == "SUCCESS: Repo visibility updated\n")
            let named: JSON = ["type": "model", "name": "b"]
            let deleted = try await client.send(.delete, "/api/repo", json: named, headers: plain)
            #expect(deleted.text == "SUCCESS: Deleted repo\n")
            let missing = try await client.send(.delete, "/api/repo", json: named, headers: plain)
            #expect((missing.status, missing.text) == (404, "ERROR: Repo DNE\n"))
        }
    }

    @Test("The home page is HTML to a browser and a short text to curl")
    @EventLoop func home() async throws {
        try await withSandbox { gateway, _ in
            let page = try await gateway.client.get(
                "/", headers: ["Accept": "text/html,application/xhtml+xml,*/*;q=0.8"])
            #expect(page.status == 200)
            #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.headers["Content-Security-Policy"] == HomePage.contentSecurityPolicy)
            #expect(page.headers["Vary"]?.contains("Accept") == true)
            #expect(page.text.hasPrefix("<!doctype html>") || page.text.hasPrefix("<!DOCTYPE html>"))
            #expect(page.text.contains("https://127.0.0.1:\(gateway.server.port)"))
            #expect(page.text.contains("/api/repo"))
            let text = try await gateway.client.get("/", headers: ["Accept": "*/*"])
            #expect(text.headers["Content-Type"] == "text/plain; charset=utf-8")
            #expect(text.text.contains("Reachable as sandbox"))
            #expect(!text.text.contains("<"))
        }
    }

    @Test("Health and readiness are JSON")
    @EventLoop func health() async throws {
        try await withSandbox { gateway, _ in
            let health = try await gateway.client.get("/-/health")
            #expect((health.status, health.text) == (200, "{\"status\":\"ok\"}\n"))
            let ready = try await gateway.client.get("/-/ready")
            #expect((ready.status, ready.text) == (200, "{\"status\":\"ready\"}\n"))
        }
    }

    @Test(
        "HEAD is GET without the content",
        arguments: ["/", "/api/account", "/-/health", "/-/ready", "/-/none", "/api/repo"])
    @EventLoop func head(target: String) async throws {
        try await withSandbox { gateway, _ in
            let whole = try await gateway.client.get(target)
            let head = try await gateway.client.send(.head, target)
            #expect(head.body.isEmpty)
            #expect(head.status == whole.status)
            let varying = ["date", "x-request-id", "x-error-message", "content-length"]
            let fields = { (reply: TestClient.Reply) in
                reply.headers.map { $0.name.lowercased() + ": " + $0.value }
                    .filter { field in !varying.contains { field.hasPrefix($0) } }
            }
            #expect(fields(head) == fields(whole))
            #expect(head.headers.contains("Content-Length"))
        }
    }

    @Test("A query does not hide an endpoint, and the absolute form is understood")
    @EventLoop func forms() async throws {
        try await withSandbox { gateway, _ in
            #expect(try await gateway.client.get("/-/health?x=1").status == 200)
            let text = try await RawClient.talk(
                port: gateway.server.port,
                "GET https://localhost/-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }
}
