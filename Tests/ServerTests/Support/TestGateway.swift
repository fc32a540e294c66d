@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// A gateway on a free port, with a client and its access log.
@EventLoop
final class TestGateway {
    let server: Server
    private let settings: Settings
    let client: TestClient
    private let output: LogWriter
    private let log = Pipe()
    private let warned = Warnings()

    /// What it warned of.
    var warnings: [String] { warned.lines }

    /// As on SIGTERM; says how many requests were cut off.
    @discardableResult
    func stop() async -> Int {
        await server.stop(settings)
    }

    init(_ origin: HubOrigin, byName: Bool = false, _ change: (inout Settings) -> Void = { _ in }) throws {
        let certificates = try TestCertificates.shared.get()
        var settings = Settings()
        settings.listen = [ListenAddress(address: IPAddress("127.0.0.1"), port: 0)]
        settings.tlsCertificate = certificates.leaf
        settings.tlsKey = certificates.leafKey
        // Nearly all tests ask for the same again and again, and mean that the Hub is asked.
        settings.cacheMemory = .bytes(0)
        change(&settings)
        output = LogWriter(descriptor: log.fileHandleForWriting.fileDescriptor)
        let reading = log.fileHandleForReading.fileDescriptor
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        self.settings = settings
        server = try Server(settings, origin: origin, log: AccessLog(output: output, form: .json)) { [warned] in
            warned.lines.append($0)
        }
        let host = byName ? "localhost" : "127.0.0.1"
        client = try TestClient(base: "https://\(host):\(server.port)", authority: certificates.authority)
    }

    /// As on SIGHUP, with another token and other settings.
    func reload(token: Secret?, _ change: (inout Settings) -> Void = { _ in }) throws {
        var settings = settings
        change(&settings)
        let tls = try TLSContext(certificate: settings.tlsCertificate, key: settings.tlsKey)
        server.use(settings, token: token, tls: tls)
    }

    /// The lines that were logged since the last look.
    func logLines() -> [String] {
        output.flush()
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe part.withUnsafeMutableBytes { bytes in
                unsafe read(log.fileHandleForReading.fileDescriptor, bytes.baseAddress, bytes.count)
            }
            guard count > 0 else { break }
            text += part[..<count]
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func close() {
        client.close()
        server.close()
    }
}

/// A gateway in front of a scripted Hub, both closed at the end.
@EventLoop
func withGateway<Value>(
    _ hub: FakeHub, byName: Bool = false, _ change: (inout Settings) -> Void = { _ in },
    _ body: @EventLoop (TestGateway) async throws -> Value
) async throws -> Value {
    defer { hub.close() }
    return try await withGateway(hub.origin, byName: byName, change, body)
}

/// A gateway in front of the sandbox, both closed at the end.
@EventLoop
func withSandbox<Value>(
    _ change: (inout Settings) -> Void = { _ in },
    _ body: @EventLoop (TestGateway, SandboxServer) async throws -> Value
) async throws -> Value {
    let sandbox = try SandboxServer()
    defer { sandbox.close() }
    return try await withGateway(sandbox.origin, change) { try await body($0, sandbox) }
}

/// A gateway in front of whatever is at `origin`, closed at the end.
@EventLoop
func withGateway<Value>(
    _ origin: HubOrigin, byName: Bool = false, _ change: (inout Settings) -> Void = { _ in },
    _ body: @EventLoop (TestGateway) async throws -> Value
) async throws -> Value {
    let gateway = try TestGateway(origin, byName: byName, change)
    defer { gateway.close() }
    return try await body(gateway)
}

/// That a response is an error as every error is: its status and code, and in the body what is in the fields.
func expectError(
    _ reply: TestClient.Reply, _ status: Int, _ code: String, _ words: String = "",
    at location: SourceLocation = #_sourceLocation
) {
    #expect(reply.status == status, "\(reply.text)", sourceLocation: location)
    #expect(reply.headers["X-Error-Code"] == code, sourceLocation: location)
    #expect(reply["code"] == code, sourceLocation: location)
    #expect(words.isEmpty || reply["error"]?.contains(words) == true, "\(reply.text)", sourceLocation: location)
    #expect(reply["error"] == reply.headers["X-Error-Message"], sourceLocation: location)
    #expect(reply.headers["X-Request-Id"]?.hasPrefix("hg-") == true, sourceLocation: location)
    #expect(reply["request_id"] == reply.headers["X-Request-Id"], sourceLocation: location)
    #expect(reply.headers["Content-Type"] == "application/json", sourceLocation: location)
}
