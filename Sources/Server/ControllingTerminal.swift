internal import Glibc

/// The terminal that the program was started from, if it was.
struct ControllingTerminal: Sendable {
    private let descriptor: Int32?

    init() {
        descriptor = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
    }

    /// It was closed.
    var isGone: Bool { descriptor.map { isatty($0) != 1 } ?? false }
}
