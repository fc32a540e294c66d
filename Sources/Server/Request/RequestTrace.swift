import EventIO
import HTTP
import Hub

/// A request's part in a trace: its own span, and those of the calls that are made for it.
@EventLoop
final class RequestTrace {
    /// The parent of the calls that are made for it.
    let own: TraceParent
    /// The client's span; nil: the trace begins here.
    let parent: UInt64?
    /// The client's `tracestate`, which is passed on unchanged.
    let state: String?
    /// The queue for spans; nil: none are recorded, and servers that are called are told so.
    let queue: SpanQueue?
    /// The offset from the monotonic clock to nanoseconds since 1970. One for all spans of a request, so that none begins before its parent.
    private let offset: Int64

    init(_ trace: TraceID, parent: UInt64?, state: String?, queue: SpanQueue?) {
        own = TraceParent(
            trace: trace, span: .random(in: 1...UInt64.max), flags: queue == nil ? 0 : TraceParent.sampled)
        self.parent = parent
        self.state = state
        self.queue = queue
        offset = Int64(WallClock.microseconds) * 1000 - Int64(clamping: MonotonicInstant.now.nanoseconds)
    }

    /// Nanoseconds since 1970.
    func time(_ moment: MonotonicInstant) -> Int64 { Int64(clamping: moment.nanoseconds) + offset }

    /// A call is about to be made to `server`, below `base`: passes the trace on. `isSigned`: `base` is a credential by
    /// itself, as URLs of stores are, and only the signed request is sent there. Nil: the call is not recorded.
    func begins(_ request: inout Request, at base: String, _ server: UpstreamServer, isSigned: Bool) -> CallSpan? {
        let span = CallSpan(
            self, method: request.method, base: base, server, target: isSigned ? nil : request.target)
        guard !isSigned else { return queue == nil ? nil : span }
        request.headers.set(TraceParent.field, span.parent.description)
        // Without a valid parent it has no meaning (W3C Trace Context section 4.3).
        if parent == nil { request.headers.remove(TraceParent.stateField) }
        return queue == nil ? nil : span
    }
}

/// A call for a traced request, from its beginning to its end.
@EventLoop
final class CallSpan {
    private let trace: RequestTrace
    /// The parent that the called server is told.
    let parent: TraceParent
    private let started = MonotonicInstant.now
    private let method: Method
    private let base: String
    private let server: UpstreamServer
    /// Nil: it must not be recorded.
    private let target: Target?

    fileprivate init(_ trace: RequestTrace, method: Method, base: String, _ server: UpstreamServer, target: Target?) {
        self.trace = trace
        parent = TraceParent(trace: trace.own.trace, span: .random(in: 1...UInt64.max), flags: trace.own.flags)
        self.method = method
        self.base = base
        self.server = server
        self.target = target
    }

    /// The call has ended, with that response or without one. `failure`: why it did not come, or not whole; a call that was not needed any more has none.
    func end(_ status: Status?, _ failure: Failure?) {
        guard let queue = trace.queue else { return }
        let identity = SpanWriter.Identity(
            trace: parent.trace, id: parent.span, parent: trace.own.span, state: trace.state)
        var span = SpanWriter(
            identity, .client, name: "\(method.known) \(server.word)", start: trace.time(started), end: trace.time(.now)
        )
        span.add("http.request.method", method.known)
        let address = URLOrigin(base)
        span.add("server.address", address.host)
        span.add("server.port", address.port)
        span.add("url.full", target.map { base + $0.loggable } ?? address.origin + "/***")
        span.add("hubgate.upstream", server.word)
        var error: String?
        if let status {
            span.add("http.response.status_code", status.code)
            if status.code >= 400 { error = "\(status.code)" }
        }
        if let failure, failure.kind != .clientGone { error = failure.code }
        if let error { span.add("error.type", error) }
        queue.append(span.finished(error: error))
    }
}

extension CallSpan {
    /// The same, by the transfer's end.
    func end(_ status: Status?, _ outcome: Result<Void, TransferError>) {
        if case .failure(let error) = outcome { end(status, Failure(error)) } else { end(status, nil) }
    }
}

extension Result where Success == Void, Failure == Hub.Failure {
    /// Why it failed; nil for success.
    var failure: Hub.Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension Method {
    /// By the semantic conventions: one name for all methods that they do not list.
    var known: String {
        switch rawValue {
        case "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS": rawValue
        default: "_OTHER"
        }
    }
}

extension UpstreamServer {
    fileprivate var word: String {
        switch self {
        case .hub: "hub"
        case .inferenceRouter: "inference"
        case .store: "store"
        }
    }
}

/// Scheme, host and port of a URL that is called.
private struct URLOrigin {
    let origin: String
    let host: String
    let port: Int

    init(_ url: String) {
        let isTLS = url.hasPrefix("https:")
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let authority = url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        origin = String(url[..<authority.endIndex])
        let parts = HostPort(authority)
        host = String(parts?.host ?? authority)
        port = Int(parts?.port ?? (isTLS ? 443 : 80))
    }
}
