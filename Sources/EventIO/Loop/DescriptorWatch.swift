import CEvent

/// Calls back on the loop while a descriptor can be read, and on demand while it can be written. The owner closes the descriptor.
@EventLoop
@safe package final class DescriptorWatch {
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private let readable: @EventLoop () -> Void
    private let writable: @EventLoop () -> Void

    package init(
        _ descriptor: Int32, readable: @escaping @EventLoop () -> Void, writable: @escaping @EventLoop () -> Void
    ) {
        self.readable = readable
        self.writable = writable
        unsafe pointer = ce_watch_new(
            EventLoop.shared.executor.loop, descriptor,
            { context in
                let watch: DescriptorWatch = unsafe unretained(context)
                EventLoop.assumeIsolated { watch.readable() }
            },
            { context in
                let watch: DescriptorWatch = unsafe unretained(context)
                EventLoop.assumeIsolated { watch.writable() }
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe ce_watch_free(pointer)
    }

    /// Whether there is something to write.
    package func wantsToWrite(_ wanted: Bool) {
        unsafe ce_watch_writing(pointer, wanted)
    }
}
