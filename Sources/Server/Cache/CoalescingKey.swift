import HTTP

/// What makes two requests the same call: whoever is answered for one of them may get the response to the other.
///
/// It has every byte of the head but what names a single request, so that no field that we do not know can make a difference
/// to the Hub that it does not make here. The credential is one of them: answers never cross identities.
struct CoalescingKey: Sendable {
    private let bytes: [UInt8]
    /// Made once: a dictionary would make it of all bytes at each look.
    private let digest: Int

    /// Fields in which identical requests differ: traces, and who asks by way of a proxy.
    private static let ofOneRequest = [
        "X-Amzn-Trace-Id", "X-Request-Id", "Traceparent", "Tracestate", "Forwarded", "X-Forwarded-For", "X-Real-IP",
    ]
    /// Where the gateway's token is used, a client's own does not count.
    private static let leftOutForGateway = CaselessWords(ofOneRequest + ["Authorization"])
    private static let leftOut = CaselessWords(ofOneRequest)
    /// Fields that ask for a part, or for what nobody else has got.
    private static let ofItsOwn = CaselessWords(["Range", "If-Range", "Pragma"])
    /// Answers that are somebody's own, or that go on for as long as the client listens.
    private static let ownEndpoints: [StaticString] = [
        "/xet-read-token/", "/xet-write-token/", "/logs/", "/events", "/metrics",
    ]
    /// What most clients accept: not a stream of events.
    private static let usuallyAccepted = CaselessWords(["*/*", "application/json"])

    /// Nil for a request that has to be a call of its own: anything but GET and HEAD, one with a body, one for a part of a
    /// file, one that wants no stored answer (RFC 9111 section 5.2.1), GET of anything but the Hub's API.
    /// `forwarded`: how the client called a proxy. `target` stands for the request's own where the gateway is below a path.
    init?(
        _ request: Request, to target: Target? = nil, hasBody: Bool, in partition: CachePartition,
        forwarded: ForwardedOrigin? = nil
    ) {
        let isHead = request.method == .head
        guard !hasBody, isHead || request.method == .get else { return nil }
        let target = (target ?? request.target).pathAndQuery
        guard isHead || Self.isMetadata(target) else { return nil }
        let headers = request.headers
        guard !headers.contains(anyOf: Self.ofItsOwn), !Self.wantsItsOwn(headers) else { return nil }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(headers.bytes.count + target.utf8.count + 64)
        bytes += request.method.rawValue.utf8
        bytes += " ".utf8
        bytes += target.utf8
        // What leads to the gateway in the response begins with it.
        if let forwarded { bytes += "\0\(forwarded.scheme ?? "")\0\(forwarded.authority ?? "")\0".utf8 }
        switch partition {
        case .gateway(let token):
            headers.append(to: &bytes, without: Self.leftOutForGateway)
            bytes += "\0token \(token)".utf8
        case .named(let name, let token):
            headers.append(to: &bytes, without: Self.leftOutForGateway)
            bytes += "\0token \(token) \(name)".utf8
        case .key(let id, let token):
            headers.append(to: &bytes, without: Self.leftOutForGateway)
            bytes += "\0key \(id) \(token)".utf8
        case .client: headers.append(to: &bytes, without: Self.leftOut)
        }
        self.bytes = bytes
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        digest = hasher.finalize()
    }

    private static func isMetadata(_ target: String) -> Bool {
        guard target.hasPrefix("/api/"), !target.hasPrefix("/api/resolve-cache/") else { return false }
        return !target.contains(anyOf: ownEndpoints)
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

extension CoalescingKey: Hashable {
    static func == (left: CoalescingKey, right: CoalescingKey) -> Bool {
        left.digest == right.digest && left.bytes == right.bytes
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}
