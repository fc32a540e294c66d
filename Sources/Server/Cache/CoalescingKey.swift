import HTTP
import Hub

/// What makes two requests the same call: a client that gets the response to one of them may get the response to the other.
///
/// It has every byte of the head but fields that name a single request, so that no field that we do not know can make a difference
/// to the Hub that it does not make here. The credential is a part of it: responses never cross identities.
struct CoalescingKey: Sendable {
    /// Of all that counts. Keyed with a secret of this process: no client can choose requests that collide.
    let digest: Int
    private let method: Method
    private let headers: Headers
    private let target: String
    private let partition: CachePartition
    private let forwarded: ForwardedOrigin?

    /// Fields in which identical requests differ: traces, and which client is behind a proxy.
    private static let ofOneRequest = [
        "X-Amzn-Trace-Id", "X-Request-Id", "Traceparent", "Tracestate", "Forwarded", "X-Forwarded-For", "X-Real-IP",
    ]
    /// Where the gateway's token is used, a client's own does not count.
    fileprivate static let leftOutForGateway = CaselessWords(ofOneRequest + ["Authorization"])
    fileprivate static let leftOut = CaselessWords(ofOneRequest)
    /// Fields that ask for a part, or for a response that no other client has got.
    private static let ofItsOwn = CaselessWords(["Range", "If-Range", "Pragma"])
    /// What most clients accept: not a stream of events.
    private static let usuallyAccepted = CaselessWords(["*/*", "application/json"])

    /// Nil for a request that has to be a call of its own: anything but GET and HEAD, one with a body, one for a part of a
    /// file, one that wants no stored response (RFC 9111 section 5.2.1), GET of anything but the Hub's API.
    /// `forwarded`: how the client called a proxy. `target` replaces the request's own where the gateway is below a path.
    init?(
        _ request: Request, to target: Target? = nil, hasBody: Bool, in partition: CachePartition,
        forwarded: ForwardedOrigin? = nil
    ) {
        let isHead = request.method == .head
        guard !hasBody, isHead || request.method == .get else { return nil }
        let asked = target ?? request.target
        guard isHead || Self.isMetadata(asked) else { return nil }
        let headers = request.headers
        guard !headers.contains(anyOf: Self.ofItsOwn), !Self.wantsItsOwn(headers) else { return nil }
        self.target = asked.pathAndQuery
        self.partition = partition
        self.forwarded = forwarded
        var hasher = Hasher()
        unsafe asked.pathAndQuery.utf8.span.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hasher.combine(partition)
        headers.forEach(without: partition.leftOut) { name, value in
            unsafe name.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            unsafe value.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
        digest = hasher.finalize()
        (method, self.headers) = (request.method, headers)
    }

    /// All that counts. Made only where two digests are equal, to be certain that the requests are the same.
    private var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes += method.rawValue.utf8
        bytes += " ".utf8
        bytes += target.utf8
        // Links to the gateway in the response begin with it.
        if let forwarded { bytes += "\0\(forwarded.scheme ?? "")\0\(forwarded.authority ?? "")\0".utf8 }
        headers.forEach(without: partition.leftOut) { name, value in
            bytes.append(0)
            for index in name.indices { bytes.append(name[index]) }
            bytes.append(UInt8(ascii: ":"))
            for index in value.indices { bytes.append(value[index]) }
        }
        return bytes
    }

    private static func isMetadata(_ target: Target) -> Bool {
        guard target.pathBegins(with: "/api/"), !target.pathBegins(with: "/api/resolve-cache/") else { return false }
        return !target.pathAndQuery.contains(anyOf: HubOperationsTable.unshared)
    }

    private static let eventStream = CaselessWords(["text/event-stream"])
    private static let freshness = CaselessWords(["no-cache", "no-store", "max-age=0"])

    private static func wantsItsOwn(_ headers: Headers) -> Bool {
        guard headers.contains("Cache-Control") else {
            return !headers.isEvery("Accept", among: usuallyAccepted)
                && headers.lists("Accept", anyOf: eventStream)
        }
        return headers.lists("Cache-Control", anyOf: freshness)
    }
}

extension CoalescingKey: Equatable {
    static func == (left: CoalescingKey, right: CoalescingKey) -> Bool {
        left.digest == right.digest && left.partition == right.partition && left.bytes == right.bytes
    }
}

extension CachePartition {
    /// The fields in which requests that may share a response can differ.
    fileprivate var leftOut: CaselessWords {
        if case .client = self { CoalescingKey.leftOut } else { CoalescingKey.leftOutForGateway }
    }
}
