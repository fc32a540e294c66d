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
        /// 0: no such limit.
        var connectionsPerAddress: UInt32 = 0
        /// On one connection; 0: no such limit.
        var requests: UInt32 = 0
        /// Of all collected request bodies together.
        var bufferedBytes = 256 << 20
        var handshake: UInt32 = 10_000
        var head: UInt32 = 10_000
        /// How long a request's body may stand still.
        var bodyStall: UInt32 = 60_000
        /// How long the client's reading of an answer may stand still where more than half of `connections` are taken, and elsewhere.
        var writeStall: UInt32 = 60_000
        var writePause: UInt32 = 600_000
        var idle: UInt32 = 75_000
    }

    private nonisolated(unsafe) var pointer: OpaquePointer?
    /// What all collected bodies of this listener's requests may take.
    let budget: BufferedBytes
    private(set) var tls: TLSContext
    private let serve: @EventLoop (Exchange) -> Void

    init(
        tls: TLSContext, limits: Limits = Limits(), serve: @escaping @EventLoop (Exchange) -> Void
    ) throws(CError) {
        self.tls = tls
        budget = BufferedBytes(limit: limits.bufferedBytes)
        self.serve = serve
        var error = ce_error()
        var bounds = ce_http_limits(limits)
        unsafe pointer = ce_http_new(
            EventLoop.shared.executor.loop, tls.pointer, &bounds,
            { @Sendable context, exchange, request, refusal in
                let listener: Listener = unsafe borrowed(context)
                nonisolated(unsafe) let (exchange, request, refusal) = unsafe (exchange, request, refusal)
                EventLoop.assumeIsolated {
                    unsafe listener.begin(exchange, request, refusal)
                }
            },
            Unmanaged.passUnretained(self).toOpaque(), &error)
        guard unsafe pointer != nil else { throw CError(error) }
    }

    /// Listens at `address`, or, beside other workers, on the parent's `socket` there. Whatever fails, nothing stays open.
    static func opened(
        at address: ListenAddress, socket: SharedSocket?, tls: TLSContext, limits: Limits,
        serve: @escaping @EventLoop (Exchange) -> Void
    ) throws(CError) -> (listener: Listener, port: UInt16) {
        let listener = try Listener(tls: tls, limits: limits, serve: serve)
        do throws(CError) {
            guard let socket else { return (listener, try listener.listen(address.host, port: address.port)) }
            return (listener, try listener.listen(on: socket))
        } catch {
            listener.close()
            throw error
        }
    }

    /// Binds and listens; port 0 takes a free one. Returns the port.
    func listen(_ address: String, port: UInt16) throws(CError) -> UInt16 {
        var error = ce_error()
        let bound = unsafe ce_http_listen(pointer, address, port, &error)
        guard bound != 0 else { throw CError(error) }
        return bound
    }

    /// Listens on a socket that the parent has bound. Returns the port.
    func listen(on socket: SharedSocket) throws(CError) -> UInt16 {
        var error = ce_error()
        let bound = unsafe ce_http_adopt(pointer, socket.descriptor, &error)
        guard bound != 0 else { throw CError(error) }
        return bound
    }

    /// For connections that are accepted from now on; the others keep what they have.
    func use(_ tls: TLSContext) {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_set_tls(pointer, tls.pointer)
        self.tls = tls
    }

    func use(_ limits: Limits) {
        var bounds = ce_http_limits(limits)
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_set_limits(pointer, &bounds)
        budget.limit = limits.bufferedBytes
    }

    /// From now on each answer ends its connection. New clients are still accepted.
    func announceDrain() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_announce_drain(pointer)
    }

    /// New clients are no longer heard, and who is connected has a moment for a request that is on its way.
    func leave() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_leave(pointer)
    }

    /// Closes the address to new clients, unless some are in the queue already. Says whether it is closed.
    func stopListening() -> Bool {
        unsafe ce_http_stop_listening(pointer)
    }

    /// How many clients are connected.
    var connectionCount: Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_http_connection_count(pointer)
    }

    /// The end of the certificate's validity, in seconds since 1970.
    var certificateExpires: Int64 { tls.expires }

    /// Puts what these listeners have counted into the metrics.
    static func report(_ listeners: [Listener], to metrics: Metrics) {
        var counts = ce_http_counts()
        for listener in listeners {
            guard let pointer = unsafe listener.pointer else { continue }
            unsafe ce_http_count(pointer, &counts)
        }
        metrics.set(.connections, to: counts.connections)
        metrics.set(.connectionsOpen, to: counts.connections_now)
        metrics.set(.connectionsRefused, at: MetricPlaces.Refusal.address, to: counts.refused_by_address)
        metrics.set(.connectionsRefused, at: MetricPlaces.Refusal.records, to: counts.cut_by_records)
        metrics.set(.acceptPauses, at: MetricPlaces.Pause.limit, to: counts.pauses_by_limit)
        metrics.set(.acceptPauses, at: MetricPlaces.Pause.error, to: counts.pauses_by_error)
        metrics.set(.handshakes, at: MetricPlaces.Handshake.full, to: counts.handshakes_full)
        metrics.set(.handshakes, at: MetricPlaces.Handshake.resumed, to: counts.handshakes_resumed)
        metrics.set(.handshakes, at: MetricPlaces.Handshake.failed, to: counts.handshakes_failed)
        metrics.set(.handshakes, at: MetricPlaces.Handshake.abandoned, to: counts.handshakes_abandoned)
        metrics.set(.receivedBytes, to: counts.received_bytes)
        metrics.set(.sentBytes, to: counts.sent_bytes)
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
        let exchange = unsafe Exchange(pointer, request, refusal, budget: budget)
        serve(exchange)
    }
}

extension ce_http_limits {
    fileprivate init(_ limits: Listener.Limits) {
        self.init(
            gate: ce_gate_limits(
                head_bytes: limits.headBytes, target_bytes: limits.targetBytes, fields: limits.fields,
                chunk_line_bytes: 256),
            connections: limits.connections, connections_per_address: limits.connectionsPerAddress,
            requests: limits.requests,
            handshake_ms: limits.handshake, head_ms: limits.head, body_stall_ms: limits.bodyStall,
            idle_ms: limits.idle, write_stall_ms: limits.writeStall, write_pause_ms: limits.writePause)
    }
}
