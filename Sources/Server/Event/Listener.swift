internal import CEvent
internal import Hub

/// An HTTPS server on one address: it hands each request to `serve` as an `Exchange`.
@EventLoop
@safe final class Listener {
    /// Limits of every connection; times in milliseconds.
    struct Limits: Sendable {
        var headBytes: UInt32 = 64 * 1024
        var targetBytes: UInt32 = 8 * 1024
        var fields: UInt32 = 100
        var connections: UInt32 = 10_000
        var handshake: UInt32 = 10_000
        var head: UInt32 = 10_000
        /// How long a body, or the client's reading of an answer, may stand still.
        var stall: UInt32 = 60_000
        var idle: UInt32 = 75_000
    }

    private nonisolated(unsafe) var pointer: OpaquePointer?
    private let tls: TLSContext
    private let serve: @EventLoop (Exchange) -> Void

    init(
        tls: TLSContext, limits: Limits = Limits(), serve: @escaping @EventLoop (Exchange) -> Void
    ) throws(CError) {
        self.tls = tls
        self.serve = serve
        var error = ce_error()
        var bounds = ce_http_limits(limits)
        unsafe pointer = ce_http_new(
            EventLoop.shared.executor.loop, tls.pointer, &bounds,
            { context, exchange, request, refusal in
                let listener: Listener = unsafe borrowed(context)
                EventLoop.assumeIsolated {
                    unsafe listener.begin(exchange, request, refusal)
                }
            },
            Unmanaged.passUnretained(self).toOpaque(), &error)
        guard unsafe pointer != nil else { throw CError(error) }
    }

    /// Binds and listens; port 0 takes a free one. Returns the port.
    func listen(_ address: String, port: UInt16) throws(CError) -> UInt16 {
        var error = ce_error()
        let bound = unsafe ce_http_listen(pointer, address, port, &error)
        guard bound != 0 else { throw CError(error) }
        return bound
    }

    /// Stops accepting and closes idle connections; the others close after the request that they are at.
    func drain() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_drain(pointer)
    }

    /// How many clients are connected.
    var connectionCount: Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_http_connection_count(pointer)
    }

    /// Closes every connection at once, and the listener with them.
    func close() {
        guard let pointer = unsafe pointer else { return }
        unsafe self.pointer = nil
        unsafe ce_http_free(pointer)
    }

    deinit {
        precondition(unsafe pointer == nil, "close a listener before letting it go")
    }

    private func begin(
        _ pointer: OpaquePointer?, _ request: UnsafePointer<ce_request>?, _ refusal: UnsafePointer<ce_refusal>?
    ) {
        guard let pointer = unsafe pointer else { return }
        let exchange = unsafe Exchange(pointer, request, refusal)
        serve(exchange)
    }
}

extension ce_http_limits {
    fileprivate init(_ limits: Listener.Limits) {
        self.init(
            gate: ce_gate_limits(
                head_bytes: limits.headBytes, target_bytes: limits.targetBytes, fields: limits.fields,
                chunk_line_bytes: 256),
            connections: limits.connections,
            handshake_ms: limits.handshake, head_ms: limits.head, stall_ms: limits.stall, idle_ms: limits.idle)
    }
}
