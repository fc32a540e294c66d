import EventIO
import Glibc
import Synchronization

/// Output of the program before it serves, and when it does not serve.
enum Console {
    /// Standard output was closed at the start, and is `/dev/null` since.
    private static let hasNoOutput = Atomic(false)

    /// Makes sure that descriptors 0 to 2 are open: otherwise the first sockets would get their numbers, and the log would be written to clients.
    static func claim() {
        while case let descriptor = unsafe open("/dev/null", O_RDWR), descriptor >= 0 {
            if descriptor == STDOUT_FILENO { hasNoOutput.store(true, ordering: .relaxed) }
            guard descriptor > 2 else { continue }
            close(descriptor)
            return
        }
    }

    /// Writes to standard output. If that fails the program ends: a key that was not shown must not look like a success.
    static func print(_ text: String) {
        let isClosed = hasNoOutput.load(ordering: .relaxed)
        guard let number = isClosed ? EBADF : write(text, to: STDOUT_FILENO) else { return }
        // The reader has stopped reading, as `head` does.
        if number == EPIPE { exit(Exit.failure) }
        error("hubgate: standard output cannot be written: \(SystemError.text(number))\n")
        exit(Exit.inputOutput)
    }

    static func error(_ text: String) {
        _ = write(text, to: STDERR_FILENO)
    }

    /// Waits where another program has made the descriptor non-blocking. Returns the error, if there is one.
    private static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&watched, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }
}

/// The terminal that the program was started from, if any.
struct ControllingTerminal: Sendable {
    private let descriptor: Int32?

    init() {
        descriptor = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
    }

    /// It was closed.
    var isGone: Bool { descriptor.map { isatty($0) != 1 } ?? false }
}
