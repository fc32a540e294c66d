internal import Glibc

/// The sandbox in a process of its own, so that all workers find the same Hub. It ends with the parent, or when the parent ends it.
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

    /// Returns in the parent when the sandbox serves; nil if it does not come to that, and has said why.
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

    /// The child's life. SIGTERM and its like stay blocked: the workers need it until the last of them has drained.
    @EventLoop static func serve(line: Int32, sandboxing: Bool) async -> Int32 {
        do throws(CError) {
            let server = try SandboxServer()
            let bytes = server.site.bytes
            _ = unsafe bytes.withUnsafeBytes { unsafe write(line, $0.baseAddress, $0.count) }
            close(line)
            if sandboxing {
                // The parent warns of what is not to be had.
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
