import EventIO
import Glibc

/// SIGTERM and SIGINT, from when this is made: the first asks the program to stop in order, the second ends it with code 1.
/// A worker gets the signals of a terminal or a service manager twice, from its parent too: only the parent can end it at once.
@EventLoop
final class StopSignals {
    private var signals: [Signal] = []
    private var hasCome = false
    private var waiter: CheckedContinuation<Void, Never>?
    private let endsAtSecond: Bool

    init(endsAtSecond: Bool) {
        self.endsAtSecond = endsAtSecond
        signals = [SIGTERM, SIGINT].map { number in Signal(number) { [weak self] in self?.arrived() } }
    }

    /// Returns at the first signal.
    func first() async {
        guard !hasCome else { return }
        await withCheckedContinuation { waiter = $0 }
    }

    private func arrived() {
        guard !hasCome else {
            if endsAtSecond { _exit(Exit.failure) }
            return
        }
        hasCome = true
        waiter?.resume()
        waiter = nil
    }
}

/// SIGHUP: the program is to read its settings again. From a terminal that was closed it has its old meaning: stop.
@EventLoop
final class ReloadSignal {
    var reload: (@EventLoop () -> Void)?
    private var signal: Signal?

    init() {
        let terminal = ControllingTerminal()
        signal = Signal(SIGHUP) { [weak self] in
            if terminal.isGone {
                kill(getpid(), SIGTERM)
            } else {
                EventLoop.task { self?.reload?() }
            }
        }
    }
}
