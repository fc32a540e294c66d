import CEvent

/// An HTTPS server on one or more addresses, which share its limits: it passes each request to `serve` as an `Exchange`.
@EventLoop
@safe package final class Listener {
    /// Limits of every connection; times in milliseconds.
    package struct Limits: Sendable {
        package var headBytes: UInt32 = 64 * 1024
        package var targetBytes: UInt32 = 8 * 1024
        package var fields: UInt32 = 100
        package var connections: UInt32 = 10_000
        /// 0: no such limit.
        package var connectionsPerAddress: UInt32 = 0
        /// On one connection; 0: no such limit.
        package var requests: UInt32 = 0
        /// Of all collected request bodies together.
        package var bufferedBytes = 256 << 20
        package var handshake: UInt32 = 10_000
        package var head: UInt32 = 10_000
        /// How long a request's body may stop.
        package var bodyStall: UInt32 = 60_000
        /// How long the client's reading of a response may stop where more than half of `connections` are taken, and elsewhere.
        package var writeStall: UInt32 = 60_000
        package var writePause: UInt32 = 600_000
        package var idle: UInt32 = 75_000

        package init(
            headBytes: UInt32 = 64 * 1024, targetBytes: UInt32 = 8 * 1024, fields: UInt32 = 100,
            connections: UInt32 = 10_000, connectionsPerAddress: UInt32 = 0, requests: UInt32 = 0,
            bufferedBytes: Int = 256 << 20, handshake: UInt32 = 10_000, head: UInt32 = 10_000,
            bodyStall: UInt32 = 60_000, writeStall: UInt32 = 60_000, writePause: UInt32 = 600_000, idle: UInt32 = 75_000
        ) {
            self.headBytes = headBytes
            self.targetBytes = targetBytes
            self.fields = fields
            self.connections = connections
            self.connectionsPerAddress = connectionsPerAddress
            self.requests = requests
            self.bufferedBytes = bufferedBytes
            self.handshake = handshake
            self.head = head
            self.bodyStall = bodyStall
            self.writeStall = writeStall
            self.writePause = writePause
            self.idle = idle
        }
    }

    private nonisolated(unsafe) var pointer: OpaquePointer?
    /// The memory that all collected bodies of this listener's requests may take.
    package let budget: BufferedBytes
    package private(set) var tls: TLSContext
    private let serve: @EventLoop (Exchange) -> Void

    package init(
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
                unsafe began(unretained(context), Received(exchange: exchange, request: request, refusal: refusal))
            },
            Unmanaged.passUnretained(self).toOpaque(), &error)
        guard unsafe pointer != nil else { throw CError(error) }
    }

    /// An address to listen on.
    package struct Address: Sendable {
        /// Empty for every address.
        let host: String
        /// 0: a free one.
        let port: UInt16

        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    /// Listens on all `addresses`, or, beside other workers, on the parent's `sockets` there. Returns the ports, in the same order. If one fails,
    /// none stays open.
    package static func opened(
        at addresses: [Address], sockets: [SharedSocket]?, tls: TLSContext, limits: Limits,
        proxies: Proxies = Proxies(),
        serve: @escaping @EventLoop (Exchange) -> Void
    ) throws(CError) -> (listener: Listener, ports: [UInt16]) {
        let listener = try Listener(tls: tls, limits: limits, serve: serve)
        listener.use(proxies)
        do throws(CError) {
            var ports: [UInt16] = []
            if let sockets {
                for socket in sockets { ports.append(try listener.listen(on: socket)) }
            } else {
                for address in addresses { ports.append(try listener.listen(address.host, port: address.port)) }
            }
            return (listener, ports)
        } catch {
            listener.close()
            throw error
        }
    }

    /// The proxies that are trusted to name a client's address.
    package struct Proxies: Sendable {
        /// Their connections are not counted by address.
        let networks: IPNetworks
        /// Whether each of their connections begins with a header of the PROXY protocol.
        let sendHeaders: Bool

        package init(_ networks: IPNetworks = IPNetworks(), sendHeaders: Bool = false) {
            self.networks = networks
            self.sendHeaders = sendHeaders
        }
    }

    /// For connections that are accepted from now on.
    package func use(_ proxies: Proxies) {
        guard let pointer = unsafe pointer else { return }
        unsafe proxies.networks.withPointer { networks, count in
            unsafe ce_http_set_proxies(pointer, networks, count, proxies.sendHeaders)
        }
    }

    /// Binds and listens; port 0 takes a free one. Returns the port.
    package func listen(_ address: String, port: UInt16) throws(CError) -> UInt16 {
        var error = ce_error()
        let bound = unsafe ce_http_listen(pointer, address, port, &error)
        guard bound != 0 else { throw CError(error) }
        return bound
    }

    /// Listens on a socket that the parent has bound. Returns the port.
    package func listen(on socket: SharedSocket) throws(CError) -> UInt16 {
        var error = ce_error()
        let bound = unsafe ce_http_adopt(pointer, socket.descriptor, &error)
        guard bound != 0 else { throw CError(error) }
        return bound
    }

    /// For connections that are accepted from now on; the others keep what they have.
    package func use(_ tls: TLSContext) {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_set_tls(pointer, tls.pointer)
        self.tls = tls
    }

    package func use(_ limits: Limits) {
        var bounds = ce_http_limits(limits)
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_set_limits(pointer, &bounds)
        budget.limit = limits.bufferedBytes
    }

    /// From now on each response ends its connection. New clients are still accepted.
    package func announceDrain() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_announce_drain(pointer)
    }

    /// New clients get no response, and connected ones have a short time left to send a request.
    package func stopAccepting() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_http_stop_accepting(pointer)
    }

    /// Closes the address to new clients, unless some are in the queue already. Returns whether it is closed.
    package func stopListening() -> Bool {
        unsafe ce_http_stop_listening(pointer)
    }

    /// How many clients are connected.
    package var connectionCount: Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_http_connection_count(pointer)
    }

    /// The end of the certificate's validity, in seconds since 1970.
    package var certificateExpires: Int64 { tls.expires }

    /// The counts of listeners since they were made.
    package struct Counts: Sendable {
        /// Accepted, and open now.
        package var connections: UInt64 = 0
        package var connectionsOpen: UInt64 = 0
        package var refusedByAddress: UInt64 = 0
        /// Closed for too many small TLS records.
        package var closedByRecords: UInt64 = 0
        /// Headers of the PROXY protocol: accepted; missing or malformed; not whole within the handshake's time.
        package var proxyHeaders: UInt64 = 0
        package var proxyHeadersMalformed: UInt64 = 0
        package var proxyHeadersLate: UInt64 = 0
        package var pausesByLimit: UInt64 = 0
        package var pausesByHandshakes: UInt64 = 0
        package var pausesByError: UInt64 = 0
        package var handshakesFull: UInt64 = 0
        package var handshakesResumed: UInt64 = 0
        package var handshakesFailed: UInt64 = 0
        package var handshakesAbandoned: UInt64 = 0
        /// On the wire, TLS included.
        package var receivedBytes: UInt64 = 0
        package var sentBytes: UInt64 = 0
    }

    /// Of all `listeners` together.
    package static func counts(_ listeners: [Listener]) -> Counts {
        var counts = ce_http_counts()
        for listener in listeners {
            guard let pointer = unsafe listener.pointer else { continue }
            unsafe ce_http_count(pointer, &counts)
        }
        return Counts(
            connections: counts.connections, connectionsOpen: counts.connections_now,
            refusedByAddress: counts.refused_by_address, closedByRecords: counts.cut_by_records,
            proxyHeaders: counts.proxy_headers, proxyHeadersMalformed: counts.proxy_headers_malformed,
            proxyHeadersLate: counts.proxy_headers_late, pausesByLimit: counts.pauses_by_limit,
            pausesByHandshakes: counts.pauses_by_handshakes, pausesByError: counts.pauses_by_error,
            handshakesFull: counts.handshakes_full,
            handshakesResumed: counts.handshakes_resumed, handshakesFailed: counts.handshakes_failed,
            handshakesAbandoned: counts.handshakes_abandoned, receivedBytes: counts.received_bytes,
            sentBytes: counts.sent_bytes)
    }

    /// Closes every connection at once, and the listener with them.
    package func close() {
        guard let pointer = unsafe pointer else { return }
        unsafe self.pointer = nil
        unsafe ce_http_free(pointer)
    }

    deinit {
        precondition(unsafe pointer == nil, "close a listener before letting it go")
    }

    fileprivate func begin(_ received: Received) {
        guard let pointer = unsafe received.exchange else { return }
        serve(unsafe Exchange(pointer, received.request, received.refusal, budget: budget))
    }
}

/// A request as C passes it, or its refusal; all of it is C's memory.
@unsafe private struct Received {
    let exchange: OpaquePointer?
    let request: UnsafePointer<ce_request>?
    let refusal: UnsafePointer<ce_refusal>?
}

private nonisolated(unsafe) let began = unsafe EventLoop.entry { (listener: Listener, received: Received) in
    unsafe listener.begin(received)
}

extension ce_http_limits {
    fileprivate init(_ limits: Listener.Limits) {
        self.init(
            parser: ce_request_parser_limits(
                head_bytes: limits.headBytes, target_bytes: limits.targetBytes, fields: limits.fields,
                chunk_line_bytes: 256),
            connections: limits.connections, connections_per_address: limits.connectionsPerAddress,
            requests: limits.requests,
            handshake_ms: limits.handshake, head_ms: limits.head, body_stall_ms: limits.bodyStall,
            idle_ms: limits.idle, write_stall_ms: limits.writeStall, write_pause_ms: limits.writePause)
    }
}
