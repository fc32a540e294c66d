@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

/// How connections are kept and closed, and what a gateway does not start with.
@Suite("Connections and certificates", .live)
struct ConnectionTests {
    @Test("Requests one after another share a connection")
    @EventLoop func keepAlive() async throws {
        try await withSandbox { gateway, _ in
            for target in ["/-/health", "/none", "/api/account", "/", "/-/ready", "/-/health"] {
                let reply = try await gateway.client.get(target)
                #expect(reply.headers["Connection"] == nil)
                #expect(gateway.server.connectionCount == 1)
            }
        }
    }

    @Test("Pipelined requests are answered in their order, bodies included")
    @EventLoop func pipelined() async throws {
        try await withSandbox { gateway, sandbox in
            let body = #"{"type":"model","name":"piped","private":true}"#
            let answer = try await RawClient.talk(
                port: gateway.server.port,
                "GET /api/account HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                    + "GET /-/none HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "HEAD /-/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let statuses = answer.matches(of: #/HTTP/1.1 (\d+) /#).map { String($0.output.1) }
            #expect(statuses == ["200", "200", "404", "200"])
            #expect(answer.contains("New repo created"))
            #expect(answer.components(separatedBy: "Connection: close").count == 2)
            #expect(sandbox.sandbox.journal.map(\.method) == [.get, .post])
            #expect(gateway.logLines().count == 4)
        }
    }

    @Test("HTTP/1.0 gets its response and the end of the connection")
    @EventLoop func oldHTTP() async throws {
        try await withSandbox { gateway, _ in
            let answer = try await RawClient.talk(port: gateway.server.port, "GET /-/health HTTP/1.0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n{\"status\":\"ok\"}\n"))
        }
    }

    @Test(
        "Who expects 100 (Continue) and sends the body all the same gets the response; a body that is not wanted is refused"
    )
    @EventLoop func expectContinue() async throws {
        try await withSandbox({ $0.bodyLimit = .kibibytes(1) }) { gateway, _ in
            let body = #"{"type":"model","name":"waited","private":true}"#
            let head = "POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
            // Of a body that has begun to come it may be left out (RFC 9110 section 10.1.1), but not where more of it is waited for.
            let answer = try await RawClient.talk(
                port: gateway.server.port,
                "\(head)Expect: 100-continue\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
            let refused = try await RawClient.talk(
                port: gateway.server.port, "\(head)Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
            #expect(refused.hasPrefix("HTTP/1.1 413 "), "\(refused)")
        }
    }

    @Test("A body in odd chunks is read as one")
    @EventLoop func chunks() async throws {
        try await withSandbox { gateway, _ in
            let body = #"{"type":"model","name":"cut","private":true}"#
            let chunks = body.map { "1;x=y\r\n\($0)\r\n" }.joined()
            let answer = try await RawClient.talk(
                port: gateway.server.port,
                "POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\nTrailer: x\r\n\r\n"
                    + "GET /-/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(answer.contains("New repo created"))
            #expect(answer.hasSuffix("{\"status\":\"ok\"}\n"))
        }
    }

    @Test("A body that stops coming is a 408, and a head that does is one too")
    @EventLoop func slowClient() async throws {
        try await withSandbox({ settings in
            settings.bodyTimeout = .milliseconds(300)
            settings.headTimeout = .milliseconds(300)
        }) { gateway, sandbox in
            let head = "POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
            let body = try await RawClient.talk(port: gateway.server.port, "\(head)\r\n{")
            #expect(body.hasPrefix("HTTP/1.1 408 "), "\(body)")
            let cut = try await RawClient.talk(port: gateway.server.port, head)
            #expect(cut.hasPrefix("HTTP/1.1 408 "), "\(cut)")
            #expect(sandbox.sandbox.journal.isEmpty)
        }
    }

    @Test("The time limit of a request ends the wait for its body, too")
    @EventLoop func overdueBody() async throws {
        try await withSandbox({ settings in
            settings.bodyTimeout = .seconds(600)
            settings.requestTimeout = .milliseconds(300)
        }) { gateway, sandbox in
            let head = "POST /api/repo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
            let reply = try await RawClient.talk(port: gateway.server.port, "\(head)\r\n{")
            #expect(reply.hasPrefix("HTTP/1.1 504 "), "\(reply)")
            #expect(sandbox.sandbox.journal.isEmpty)
        }
    }

    @Test("A certificate that is no good is said in words, and nothing listens")
    @EventLoop func certificates() throws {
        let files = try TestCertificates.shared.get()
        let cases = [
            (files.missing, files.leafKey, "\(files.missing) cannot be read: No such file or directory"),
            (files.leaf, files.missing, "private key \(files.missing) cannot be read: No such file or directory"),
            (files.leaf + "/x", files.leafKey, "cannot be read: Not a directory"),
            (files.noise, files.leafKey, "\(files.noise) is not a PEM certificate chain"),
            (files.leaf, files.noise, "\(files.noise) is not a PEM private key without a passphrase"),
            (files.leaf, files.lockedKey, "\(files.lockedKey) is not a PEM private key without a passphrase"),
            (files.leaf, files.foreignKey, "does not belong to the certificate \(files.leaf)"),
            (files.expired, files.leafKey, "\(files.expired) has expired"),
            (files.future, files.leafKey, "\(files.future) is not valid yet"),
        ]
        for (certificate, key, words) in cases {
            let error = #expect(throws: CError.self) { try TLSContext(certificate: certificate, key: key) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
    }

    @Test("A port that is taken is an error in words")
    @EventLoop func portTaken() async throws {
        try await withSandbox { gateway, sandbox in
            let error = #expect(throws: CError.self) {
                try TestGateway(sandbox.origin) {
                    $0.listen = [ListenAddress(address: IPAddress("127.0.0.1"), port: gateway.server.port)]
                }
            }
            #expect(error?.description.contains("Address already in use") == true)
        }
    }
}
