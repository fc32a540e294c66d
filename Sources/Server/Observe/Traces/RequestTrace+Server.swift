import EventIO
import HTTP
import Hub

extension RequestTrace {
    /// The request has ended: writes its own span, with the names of OpenTelemetry's semantic conventions for HTTP servers, without tokens and
    /// secrets of a query (`Target.loggable`).
    func end(_ exchange: Exchange, _ context: RequestContext, whole: Bool) {
        guard let queue else { return }
        let request = exchange.request
        let route = context.route.map { "\($0)".snakeCased } ?? "none"
        let known = request.method.known
        let ours = Routes.all.first { $0.name == context.route }?.path
        let identity = SpanWriter.Identity(
            trace: own.trace, id: own.span, parent: parent, isParentRemote: parent != nil, state: state)
        var span = SpanWriter(
            identity, .server, name: "\(known) \(ours ?? route)", start: time(context.started), end: time(.now))
        span.add("http.request.method", known)
        if known != request.method.rawValue {
            span.add("http.request.method_original", request.method.rawValue, longest: 32)
        }
        if let ours { span.add("http.route", ours) }
        let target = request.target.loggable
        let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        span.add("url.scheme", "https")
        span.add("url.path", String(target[..<(mark ?? target.endIndex)]))
        if let mark { span.add("url.query", String(target[target.index(after: mark)...])) }
        span.add("client.address", context.address)
        span.add("network.peer.address", exchange.peer)
        if let host = request.headers["Host"], let parts = HostPort(host) {
            span.add("server.address", String(parts.host), longest: 255)
            if let port = parts.port { span.add("server.port", Int(port)) }
        }
        if let agent = request.headers["User-Agent"] { span.add("user_agent.original", agent, longest: 256) }
        if let status = exchange.status { span.add("http.response.status_code", status.code) }
        span.add("http.request.body.size", exchange.receivedBytes)
        span.add("http.response.body.size", exchange.sentBytes)
        span.add("hubgate.route", route)
        span.add("hubgate.request_id", context.id.description)
        if let key = context.principal.key { span.add("user.name", key.name) }
        if let hubID = context.hubRequestID { span.add("hubgate.hub_request_id", hubID, longest: 128) }
        if let status = context.cacheStatus {
            span.add("hubgate.cache", MetricLabels.CacheResult(status).label)
        }
        if context.budgetMicroseconds > 0 { span.add("hubgate.budget_ms", context.budgetMicroseconds / 1000) }
        let error = error(exchange, context, whole: whole)
        if let error { span.add("error.type", error) }
        queue.append(span.finished(error: error))
    }

    /// A client's error is no error of the server's span (semantic conventions for HTTP spans, section Status).
    private func error(_ exchange: Exchange, _ context: RequestContext, whole: Bool) -> String? {
        let failure = context.failure
        if let code = exchange.status?.code, code >= 500 { return failure?.code ?? "\(code)" }
        guard !whole, let failure, failure.kind != .clientGone else { return nil }
        return failure.code
    }
}
