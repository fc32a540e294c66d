import CEvent
package import HTTP

/// Makes calls to other HTTP servers, many at once, over kept connections.
@EventLoop
@safe package final class TransferPool {
    /// Which certificates are trusted for https.
    package enum Trust: Sendable {
        case system
        case file(String)
        case pem(String)
        /// For probing our own listener, with a request that holds no secret. Never for the Hub.
        case unverified
    }

    private nonisolated(unsafe) var pointer: OpaquePointer?
    private var underWay: [Transfer] = []
    private var isClosing = false
    /// Kept here since C has its address.
    private var proxyRule: ProxyRule?
    /// Called at the end of each call.
    package var onEnd: (@EventLoop (Transfer) -> Void)?

    /// `dnsServer` is `ip` or `ip:port`, nil for those of /etc/resolv.conf; `connections` is how many idle ones are
    /// kept for one origin.
    package init(trust: Trust = .system, dnsServer: String? = nil, connections: Int = 256) throws(CError) {
        var error = ce_error()
        let (file, pem): (String?, String?) =
            switch trust {
            case .system: (nil, nil)
            case .file(let path): (path, nil)
            case .pem(let text): (nil, text)
            case .unverified: (nil, nil)
            }
        let verifies = if case .unverified = trust { false } else { true }
        unsafe pointer = withCStrings(file, pem, dnsServer) { file, pem, dns in
            var options = unsafe ce_pool_options(
                ca_file: file, ca_pem: pem, skips_verification: !verifies, dns_server: dns,
                connections: UInt32(connections))
            return unsafe ce_pool_new(EventLoop.shared.executor.loop, &options, &error)
        }
        guard unsafe pointer != nil else { throw CError(error) }
    }

    /// Calls that begin from now on go through a proxy, if it serves them. Connections that went another way are not used again.
    package func use(_ proxy: Proxy?) {
        guard let pointer = unsafe pointer else { return }
        let rule = proxy.map { ProxyRule($0.serves) }
        if let proxy, let rule {
            unsafe rule.lend(proxy) { options in unsafe ce_pool_use_proxy(pointer, options) }
        } else {
            unsafe ce_pool_use_proxy(pointer, nil)
        }
        proxyRule = rule
    }

    /// Cancels the transfers under way, and frees the connections when the last of them has ended.
    package func close() {
        guard !isClosing else { return }
        isClosing = true
        for transfer in underWay { transfer.cancel() }
        freeWhenDone()
    }

    private func freeWhenDone() {
        guard isClosing, underWay.isEmpty, let pool = unsafe pointer else { return }
        unsafe pointer = nil
        unsafe ce_pool_free(pool)
    }

    package var isIdle: Bool { underWay.isEmpty }

    deinit {
        precondition(unsafe pointer == nil, "close a pool before letting it go")
    }

    /// A request body that follows by `Transfer.send`: of `length` bytes, or chunked if that is nil.
    package struct Stream: Sendable {
        package let length: UInt64?

        package init(length: UInt64?) {
            self.length = length
        }
    }

    /// A credential (RFC 9110 section 11.4), which is not kept among other fields.
    package struct Authorization: Sendable {
        package let scheme: String
        package let secret: Secret

        package init(scheme: String, secret: Secret) {
            self.scheme = scheme
            self.secret = secret
        }

        /// Bytes of the field's value.
        fileprivate var count: Int { scheme.utf8.count + 1 + secret.count }
    }

    /// Starts a call; the transfer's `head()` and `done()` tell how it goes. `body`, else the request's, is sent unless `stream` is given,
    /// and `authorization` in the field of that name. `target` is appended to `url`.
    package func start(
        _ request: Request, body: [UInt8]? = nil, url: String, target: String = "", authorization: Authorization? = nil,
        limits: Transfer.Limits,
        stream: Stream? = nil,
        sink: (any TransferSink)? = nil
    ) -> Transfer {
        let transfer = Transfer(of: self, sink: sink)
        guard !isClosing else {
            transfer.refuse(.closing)
            return transfer
        }
        transfer.index = underWay.count
        underWay.append(transfer)
        var fields = Self.lines(request.headers, authorization)
        unsafe Self.lend(request.method, body ?? request.body, url, target, fields, limits, stream) { call in
            unsafe transfer.begin(pointer, &call)
        }
        // There may be a token in it.
        fields.erase()
        return transfer
    }

    /// Passes a call in C's form. Outside of the loop's isolation, which each of the closures would check again.
    nonisolated private static func lend(
        _ method: Method, _ content: [UInt8], _ url: String, _ target: String, _ fields: borrowing ByteBuffer,
        _ limits: Transfer.Limits, _ stream: Stream?, to body: (inout ce_call) -> Void
    ) {
        let hasBody = !content.isEmpty
        unsafe method.rawValue.withCString { method in
            unsafe url.withCString { url in
                unsafe target.withCString { target in
                    unsafe fields.withBytes { fields in
                        unsafe content.withUnsafeBufferPointer { content in
                            var call = unsafe ce_call(
                                method: method, url: url, target: target, fields: fields.baseAddress,
                                fields_length: fields.count, body: hasBody ? content.baseAddress : nil,
                                body_length: content.count, streams_body: stream != nil,
                                stream_length: stream?.length.map { Int64(clamping: $0) } ?? -1,
                                connect_ms: limits.connect, first_byte_ms: limits.firstByte, stall_ms: limits.stall)
                            unsafe body(&call)
                        }
                    }
                }
            }
        }
    }

    /// The counts of a pool since it was made.
    package struct Counts: Sendable {
        /// Calls that have ended, by how.
        package var whole: UInt64 = 0
        package var unreachable: UInt64 = 0
        package var tooSlow: UInt64 = 0
        package var broken: UInt64 = 0
        package var cancelled: UInt64 = 0
        /// Calls under way now.
        package var inFlight = 0
        /// Calls that went out over a new connection, and over a kept one.
        package var overNew: UInt64 = 0
        package var overKept: UInt64 = 0
        /// Of content.
        package var receivedBytes: UInt64 = 0
        package var sentBytes: UInt64 = 0
    }

    /// Nil once the pool is closed.
    package var counts: Counts? {
        guard let pointer = unsafe pointer else { return nil }
        let counted = unsafe ce_pool_count(pointer)
        return Counts(
            whole: counted.complete, unreachable: counted.unreachable, tooSlow: counted.too_slow,
            broken: counted.broken,
            cancelled: counted.cancelled, inFlight: underWay.count, overNew: counted.over_new,
            overKept: counted.over_kept, receivedBytes: counted.received_bytes, sentBytes: counted.sent_bytes)
    }

    /// A transfer of this pool has ended.
    func ended(_ transfer: Transfer) {
        let last = underWay.removeLast()
        if last !== transfer {
            underWay[transfer.index] = last
            last.index = transfer.index
        }
        onEnd?(transfer)
        guard isClosing else { return }
        // Not here, inside a callback of the pool.
        EventLoop.task { self.freeWhenDone() }
    }

    /// `name: value` lines, each ended by NUL. `Headers` cannot hold a CR, LF or NUL in a field, nor can a `Secret`.
    private static func lines(_ headers: Headers, _ authorization: Authorization?) -> ByteBuffer {
        var lines = ByteBuffer(capacity: headers.bytes.count + 4 * headers.count + (authorization?.count ?? 0) + 32)
        lines.append(headers, end: "\0")
        if let authorization {
            lines.append("Authorization: ")
            lines.append(authorization)
            lines.append(0)
        }
        return lines
    }
}

extension ByteBuffer {
    /// The value of `Authorization` or `Proxy-Authorization`. To be erased when it is not needed any more.
    mutating func append(_ authorization: TransferPool.Authorization) {
        append(authorization.scheme)
        append(" ")
        authorization.secret.withBytes { append($0) }
    }
}

private func withCStrings<Result>(
    _ one: String?, _ two: String?, _ three: String?,
    _ body: (UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Result
) -> Result {
    func lend(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let text else { return body(nil) }
        return unsafe text.withCString { unsafe body($0) }
    }
    return unsafe lend(one) { one in
        unsafe lend(two) { two in unsafe lend(three) { three in unsafe body(one, two, three) } }
    }
}
