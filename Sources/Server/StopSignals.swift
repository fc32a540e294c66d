internal import Glibc

/// SIGTERM and SIGINT, from when this is made on: the first asks the program to stop in order, the second ends it with code 1.
@EventLoop
final class StopSignals {
    private var signals: [Signal] = []
    private var hasCome = false
    private var waiter: CheckedContinuation<Void, Never>?

    init() {
        signals = [SIGTERM, SIGINT].map { number in Signal(number) { [weak self] in self?.arrived() } }
    }

    /// Returns at the first signal.
    func first() async {
        guard !hasCome else { return }
        await withCheckedContinuation { waiter = $0 }
    }

    private func arrived() {
        guard !hasCome else { _exit(1) }
        hasCome = true
        waiter?.resume()
        waiter = nil
    }
}

/// SIGHUP: the program shall read its settings anew. From a terminal that is gone it means what it always meant: stop.
@EventLoop
final class ReloadSignal {
    var reload: (@EventLoop () -> Void)?
    private var signal: Signal?

    init() {
        let terminal = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
        signal = Signal(SIGHUP) { [weak self] in
            if let terminal, isatty(terminal) != 1 {
                kill(getpid(), SIGTERM)
            } else {
                EventLoop.task { self?.reload?() }
            }
        }
    }
}
