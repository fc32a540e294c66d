internal import Glibc

/// SIGTERM and SIGINT: the first asks the program to stop in order, the second ends it.
@EventLoop
enum StopSignals {
    /// Returns at the first signal, after `announce`. A second one ends the process with code 1.
    static func first(_ announce: @escaping @EventLoop () -> Void) async {
        await withCheckedContinuation { continuation in
            var waiter: CheckedContinuation<Void, Never>? = continuation
            let arrived: @EventLoop () -> Void = {
                guard let first = waiter else { _exit(1) }
                waiter = nil
                announce()
                first.resume()
            }
            signals = [Signal(SIGTERM, arrived), Signal(SIGINT, arrived)]
        }
    }

    private static var signals: [Signal] = []
}

/// SIGHUP: the program shall read its settings anew. From a terminal that is gone it means what it always meant: stop.
@EventLoop
final class ReloadSignal {
    private let signal: Signal

    init(_ reload: @escaping @EventLoop @Sendable () -> Void) {
        let terminal = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
        signal = Signal(SIGHUP) {
            if let terminal, isatty(terminal) != 1 {
                kill(getpid(), SIGTERM)
            } else {
                EventLoop.task { reload() }
            }
        }
    }
}
