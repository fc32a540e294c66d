internal import CEvent

/// Calls back on the loop each time the process gets a signal.
@EventLoop
@safe final class Signal {
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private let fire: @EventLoop () -> Void

    init(_ number: Int32, _ fire: @escaping @EventLoop () -> Void) {
        self.fire = fire
        unsafe pointer = ce_signal_new(
            EventLoop.shared.executor.loop, number,
            { context in
                let signal: Signal = unsafe borrowed(context)
                EventLoop.assumeIsolated { signal.fire() }
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe ce_signal_free(pointer)
    }
}
