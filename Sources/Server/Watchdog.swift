/// Calls back again and again, from a timer of the loop: what it proves is that the loop turns.
@EventLoop
final class Watchdog {
    private let milliseconds: UInt64
    private let turn: @EventLoop () -> Void
    private lazy var timer = Timer { [weak self] in self?.tick() }

    /// The first call comes at once.
    init(every milliseconds: UInt64, _ turn: @escaping @EventLoop () -> Void) {
        self.milliseconds = milliseconds
        self.turn = turn
        tick()
    }

    private func tick() {
        turn()
        timer.start(milliseconds: milliseconds)
    }
}
