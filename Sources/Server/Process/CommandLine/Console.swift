import Glibc

/// What the program says before it serves, and when it does not.
enum Console {
    /// Makes sure that descriptors 0 to 2 are taken: else the first sockets would get their numbers, and the log would be written to clients.
    static func claim() {
        while case let descriptor = unsafe open("/dev/null", O_RDWR), descriptor >= 0 {
            guard descriptor > 2 else { continue }
            close(descriptor)
            return
        }
    }

    static func print(_ text: String) {
        write(text, to: STDOUT_FILENO)
    }

    static func error(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}

/// The terminal that the program was started from, if it was.
struct ControllingTerminal: Sendable {
    private let descriptor: Int32?

    init() {
        descriptor = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
    }

    /// It was closed.
    var isGone: Bool { descriptor.map { isatty($0) != 1 } ?? false }
}
