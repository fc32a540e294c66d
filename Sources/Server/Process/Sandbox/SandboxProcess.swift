import EventIO
import Glibc
import HTTP
import Sandbox

/// The sandbox in a process of its own, so that all workers use the same Hub. It ends with the parent, or when the parent ends it.
final class SandboxProcess {
    enum Side {
        case parent(SandboxProcess)
        case child(line: Int32)
    }

    let site: SandboxSite
    let child: ChildProcess

    private init(_ child: ChildProcess, at site: SandboxSite) {
        self.child = child
        self.site = site
    }

    /// Returns in the parent when the sandbox serves; nil if it cannot, which was reported.
    static func fork() throws(CError) -> Side? {
        switch try ChildProcess.fork() {
        case .child(let line): return .child(line: line)
        case .parent(let child):
            return SandboxSite(bytes: everything(from: child)).map { .parent(SandboxProcess(child, at: $0)) }
        }
    }

    private static func everything(from child: ChildProcess) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            var watched = pollfd(fd: child.line, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&watched, 1, -1)
            let more = child.said()
            guard !more.isEmpty else { return bytes }
            bytes += more
        }
    }

    /// The child's life. SIGTERM and similar signals stay blocked: the workers need the sandbox until the last of them has drained.
    @EventLoop static func serve(line: Int32, _ limits: SandboxLimits?, sandboxing: Bool) async -> Int32 {
        do throws(CError) {
            let server = try SandboxServer(limits)
            let bytes = server.site.bytes
            _ = unsafe bytes.withUnsafeBytes { unsafe write(line, $0.baseAddress, $0.count) }
            close(line)
            if sandboxing {
                // The parent warns where a restriction is not possible.
                var hardening = Hardening()
                hardening.restrictSandbox()
            }
            while true { await EventLoop.sleep(milliseconds: 3_600_000) }
        } catch {
            Console.error("hubgate: the sandbox: \(error)\n")
            return Exit.unavailable
        }
    }
}

/// The address of the sandbox's Hub, and its certificate: what workers need of a sandbox in another process.
struct SandboxSite: Sendable {
    /// Origins.
    let hub: String
    let cdn: String
    let cas: String
    /// The certificate that is its own authority, as PEM.
    let authority: String

    /// The token is the one that the sandbox knows the gateway by.
    var origin: HubOrigin {
        HubOrigin(
            base: hub, trust: .pem(authority), token: try? Secret(Array("hf_sandbox".utf8)), inference: hub,
            contentOrigins: [cdn, cas])
    }
}

extension SandboxSite {
    /// In the form for a pipe.
    var bytes: [UInt8] { Array("\(hub)\n\(cdn)\n\(cas)\n\(authority)".utf8) }

    init?(bytes: [UInt8]) {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 3).map(String.init)
        guard parts.count == 4 else { return nil }
        self.init(hub: parts[0], cdn: parts[1], cas: parts[2], authority: parts[3])
    }
}

extension Digest {
    /// The digests that the sandbox needs.
    static let openSSL = Digest(sha1: MessageDigest.sha1, sha256: MessageDigest.sha256)
}
