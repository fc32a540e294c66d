import CEvent
import Glibc

/// A forked child as its parent sees it: a process id, and a pipe for messages of the child. It ends with its parent.
package final class ChildProcess {
    /// What the calling process is after a fork.
    package enum Side {
        case parent(ChildProcess)
        /// The end of the pipe for its messages; writing never blocks.
        case child(line: Int32)
    }

    /// How a child ended.
    package struct End {
        package let pid: Int32
        /// Nil: a signal ended it.
        package let code: Int32?
        package let signal: Int32

        /// Such as `ended with code 1` or `was ended by SIGSEGV`.
        package var text: String {
            guard let code else { return unsafe "was ended by SIG\(String(cString: ce_signal_name(signal)))" }
            return "ended with code \(code)"
        }
    }

    package let pid: Int32
    /// To be polled with others: readable when the child has sent something or ended.
    package let line: Int32

    private init(pid: Int32, line: Int32) {
        self.pid = pid
        self.line = line
    }

    deinit {
        close(line)
    }

    package static func fork() throws(CError) -> Side {
        var line: Int32 = -1
        switch unsafe ce_fork(&line) {
        case 0: return .child(line: line)
        case -1: throw CError("cannot start a process", errno: errno)
        case let pid: return .parent(ChildProcess(pid: pid, line: line))
        }
    }

    /// In a child: delivers signals from here on, also those that came since the fork.
    package static func unblockSignals() {
        ce_child_unblock_signals()
    }

    package func send(_ signal: Int32) {
        kill(pid, signal)
    }

    /// The messages since the last call. Does not block.
    package func said() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(line, $0.baseAddress, $0.count) }
        return Array(bytes.prefix(max(0, count)))
    }

    /// The next child, of all children, that has ended; nil if none has.
    package static func ended() -> End? {
        var end = ce_child_end()
        guard unsafe ce_child_ended(&end) else { return nil }
        return End(pid: end.pid, code: end.code < 0 ? nil : end.code, signal: end.signal)
    }
}

/// SIGHUP, SIGINT, SIGTERM and SIGCHLD of a process without an event loop: from here on they stay pending until `next` is called.
package struct ParentSignals: ~Copyable {
    private let descriptor: Int32

    package init() throws(CError) {
        descriptor = ce_parent_signals()
        guard descriptor >= 0 else { throw CError("cannot wait for signals", errno: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// The next signal that has come. Does not block.
    package func next() -> Int32? {
        let signal = ce_parent_next_signal(descriptor)
        return signal == 0 ? nil : signal
    }

    /// Returns at a signal, when one of `lines` can be read, or after `milliseconds`; nil: without a limit.
    package func wait(orFor lines: [Int32], milliseconds: Int?) {
        var watched = ([descriptor] + lines).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        unsafe poll(&watched, nfds_t(watched.count), milliseconds.map { Int32(clamping: $0) } ?? -1)
    }
}

/// A port that belongs to this process and on which its workers listen. No other process can take it, even while no worker lives.
package final class PortReservation {
    package let port: UInt16
    private let host: String
    private let descriptor: Int32

    /// Port 0 takes a free one. Throws when the address cannot be bound.
    package init(_ host: String, port wanted: UInt16) throws(CError) {
        var error = ce_error()
        var port = wanted
        descriptor = unsafe ce_port_reserve(host, &port, &error)
        guard descriptor >= 0 else { throw CError(error) }
        self.port = port
        self.host = host
    }

    /// A socket on it for a worker. All are made at the start: later this process may have another user, whom the kernel forbids
    /// port 443 and sharing a port with root.
    package func join() throws(CError) -> SharedSocket {
        var error = ce_error()
        let socket = unsafe ce_port_join(host, port, &error)
        guard socket >= 0 else { throw CError(error) }
        return SharedSocket(descriptor: socket)
    }

    deinit {
        close(descriptor)
    }
}

/// A worker's own socket on a port that its parent holds. Parent and worker both have it, so that a successor finds it bound.
package final class SharedSocket: Sendable {
    package let descriptor: Int32

    fileprivate init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// In the parent, when the worker has ended: otherwise its queue would go on accepting clients.
    package func quiet() {
        ce_port_quiet(descriptor)
    }
}
