import CEvent

/// Calls back once after a time, on the loop. Stops when it is released.
@EventLoop
@safe package final class Timer {
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private let fire: @EventLoop () -> Void

    package init(_ fire: @escaping @EventLoop () -> Void) {
        self.fire = fire
        unsafe pointer = ce_timer_new(
            EventLoop.shared.executor.loop,
            { context in
                let timer: Timer = unsafe unretained(context)
                EventLoop.assumeIsolated { timer.fire() }
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe ce_timer_free(pointer)
    }

    /// Starts or restarts.
    package func start(milliseconds: UInt64) {
        unsafe ce_timer_start(pointer, milliseconds)
    }

    package func stop() {
        unsafe ce_timer_stop(pointer)
    }
}

/// Calls back on the loop each time the process gets a signal.
@EventLoop
@safe package final class Signal {
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private let fire: @EventLoop () -> Void

    package init(_ number: Int32, _ fire: @escaping @EventLoop () -> Void) {
        self.fire = fire
        unsafe pointer = ce_signal_new(
            EventLoop.shared.executor.loop, number,
            { context in
                let signal: Signal = unsafe unretained(context)
                EventLoop.assumeIsolated { signal.fire() }
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe ce_signal_free(pointer)
    }
}

/// The object whose address C has as its callback's context; it is alive because C or its owner retains it.
package func unretained<Object: AnyObject>(_ context: UnsafeMutableRawPointer?) -> Object {
    guard let context = unsafe context else {
        preconditionFailure("a C callback came without its context")
    }
    return unsafe Unmanaged<Object>.fromOpaque(context).takeUnretainedValue()
}

/// Like `unretained`, and releases the retain that C held: for the last callback.
package func retained<Object: AnyObject>(_ context: UnsafeMutableRawPointer?) -> Object {
    guard let context = unsafe context else {
        preconditionFailure("a C callback came without its context")
    }
    return unsafe Unmanaged<Object>.fromOpaque(context).takeRetainedValue()
}
