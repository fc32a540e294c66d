internal import CEvent

/// Calls back once after a time, on the loop. Stops when it is let go.
@EventLoop
@safe final class Timer {
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private let fire: @EventLoop () -> Void

    init(_ fire: @escaping @EventLoop () -> Void) {
        self.fire = fire
        unsafe pointer = ce_timer_new(
            EventLoop.shared.executor.loop,
            { context in
                let timer: Timer = unsafe borrowed(context)
                EventLoop.assumeIsolated { timer.fire() }
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe ce_timer_free(pointer)
    }

    /// Starts, or starts anew.
    func start(milliseconds: UInt64) {
        unsafe ce_timer_start(pointer, milliseconds)
    }

    func stop() {
        unsafe ce_timer_stop(pointer)
    }
}
