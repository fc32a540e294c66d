internal import CEvent
internal import Glibc

/// A forked child as its parent sees it: a number, and a pipe on which the child speaks. It ends with its parent.
final class ChildProcess {
    /// What the two processes are after a fork.
    enum Side {
        case parent(ChildProcess)
        /// The end of the pipe to speak on; writing never waits.
        case child(line: Int32)
    }

    /// How a child ended.
    struct End {
        let pid: Int32
        /// Nil: a signal ended it.
        let code: Int32?
        let signal: Int32

        /// Such as `ended with code 1` or `was ended by SIGSEGV`.
        var text: String {
            guard let code else { return unsafe "was ended by SIG\(String(cString: ce_signal_name(signal)))" }
            return "ended with code \(code)"
        }
    }

    let pid: Int32
    /// To be polled with others: readable when the child has spoken or ended.
    let line: Int32

    private init(pid: Int32, line: Int32) {
        self.pid = pid
        self.line = line
    }

    deinit {
        close(line)
    }

    static func fork() throws(CError) -> Side {
        var line: Int32 = -1
        switch unsafe ce_fork(&line) {
        case 0: return .child(line: line)
        case -1: throw CError("cannot start a process", errno: errno)
        case let pid: return .parent(ChildProcess(pid: pid, line: line))
        }
    }

    /// In a child: signals are heard, those too that came since the fork.
    static func hearSignals() {
        ce_child_hears_signals()
    }

    func send(_ signal: Int32) {
        kill(pid, signal)
    }

    /// What it has said since the last call. Does not wait.
    func said() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(line, $0.baseAddress, $0.count) }
        return Array(bytes.prefix(max(0, count)))
    }

    /// The next of all children that has ended; nil if none has.
    static func ended() -> End? {
        var end = ce_child_end()
        guard unsafe ce_child_ended(&end) else { return nil }
        return End(pid: end.pid, code: end.code < 0 ? nil : end.code, signal: end.signal)
    }
}
