import EventIO
import HTTP
import Hub

/// A response that is being fetched to be kept.
@EventLoop
final class CacheWrite {
    private let cache: ResponseCache
    let key: CacheKey
    /// The key by which other workers find it; nil where there are none.
    let shared: SharedKey?
    private let lifetime: CacheRules.Lifetime
    let mark: WriteEpochs.Mark
    private let asked: MonotonicInstant
    private let isShared: Bool
    /// The response that was kept before. It stands in where the Hub cannot answer, and is fresh again where the Hub validates it.
    let stale: CachedResponse?
    /// The response that was found before, whether it may answer the request or not.
    let seen: CachedResponse?
    /// Why the Hub is asked.
    let reason: CacheStatus.Forward
    /// The Hub is asked to validate the response that was kept.
    private(set) var isConditional = false
    /// What the heads so far allow; nil until the Hub's is there.
    private var isAllowed: Bool?
    private var validators = CachedResponse.Validators()

    /// `asked` is before the call is made.
    init(
        to cache: ResponseCache, _ key: CacheKey, _ shared: SharedKey?, _ lifetime: CacheRules.Lifetime,
        mark: WriteEpochs.Mark, seen: CachedResponse?, stale: CachedResponse?, isShared: Bool,
        _ reason: CacheStatus.Forward, asked: MonotonicInstant
    ) {
        self.cache = cache
        self.key = key
        self.shared = shared
        self.lifetime = lifetime
        self.mark = mark
        (self.seen, self.stale) = (seen, stale)
        self.isShared = isShared
        self.reason = reason
        self.asked = asked
    }

    /// Whether the client wants to know what the Hub says from now on, and no earlier response.
    var isOfItsOwn: Bool { reason == .request }

    /// Of the request and of the changes before it: calls of all workers for the same have the same. Nil where there are no other workers.
    var callDigest: UInt64? {
        guard let shared else { return nil }
        return mark.words.reduce(shared.words[2]) { ($0 ^ $1) &* 0x9E37_79B9_7F4A_7C15 ^ $0 >> 29 }
    }

    /// The fields by which a client says what it has. For a response that is kept the gateway evaluates them itself, for each client.
    private static let conditions = CaselessWords(["If-None-Match", "If-Modified-Since"])

    /// The request without the client's own conditions: its response is good for all clients that may have it.
    static func withoutConditions(_ request: Request) -> Request {
        guard request.headers.contains(anyOf: conditions) else { return request }
        var plain = request
        plain.headers.removeAll(conditions)
        return plain
    }

    /// Replaces the client's conditions by one on the response that is kept, so that the Hub need not send its content again (RFC 9110 section 13.1).
    func makeConditional(_ headers: inout Headers) {
        headers.removeAll(Self.conditions)
        guard let validators = stale?.validators else { return }
        if let etag = validators.etag { headers.set("If-None-Match", etag) }
        if let date = validators.lastModified { headers.set("If-Modified-Since", date) }
        isConditional = validators.etag != nil || validators.lastModified != nil
    }

    /// Takes a response's head as it came: each one may forbid storing. The Hub's is the first, and has the validators.
    private func judge(_ head: Transfer.Head) {
        if isAllowed == nil, head.status == .ok {
            validators.etag = head.headers["ETag"]
            validators.lastModified = head.headers["Last-Modified"]
        }
        isAllowed = isAllowed ?? true && CacheRules.allows(head, isShared: isShared)
    }

    /// The largest content that is kept, in bytes; nil where this response is not kept. Then the response that was kept before is dropped,
    /// unless the Hub cannot answer just now.
    func limit(_ status: Status, _ headers: Headers, length: Int?, to request: Request) -> Int? {
        if isAllowed == true, CacheRules.keeps(status, headers), length ?? 0 <= cache.largest,
            NominatedFields(headers, of: request) != nil
        {
            return cache.largest
        }
        if stale != nil, status.code < 500, status.code != 429, status.code != 304 { cache.forget(key, shared) }
        return nil
    }

    /// Whether clients other than the one that asked may have the response, kept or not.
    func mayShare(_ response: RecordedResponse) -> Bool { !response.holdsSigned }

    func keep(_ response: RecordedResponse, to request: Request) {
        guard
            limit(response.status, response.headers, length: response.content.count, to: request) != nil,
            let kept = CachedResponse(
                response, lifetime: response.status == .ok ? lifetime : .moving, validators: validators, mark: mark,
                to: request, asked: asked)
        else { return }
        cache.keep(kept, for: key, shared)
    }

    /// The response that was kept, where the Hub validates it, or cannot answer now. Nil: the head decides whether its response is kept.
    /// `led`: the head's fields as they would go to a client, with links to the Hub rewritten.
    func replacement(
        for head: Transfer.Head, led: Headers, at now: MonotonicInstant = .now
    ) -> (CachedResponse, CacheStatus)? {
        let code = head.status.code
        if code == 304, isConditional, let stale {
            stale.isRevalidating = false
            if stale.validate(led, asked: asked) {
                cache.keep(stale, for: key, shared)
            } else {
                cache.forget(key, shared)
            }
            return (stale, .validated)
        }
        if code == 429 || code >= 500, let found = standIn(code, now) { return found }
        judge(head)
        return nil
    }

    /// The response that was kept, where no response came from the Hub.
    func replacement(for failure: Failure, at now: MonotonicInstant = .now) -> (CachedResponse, CacheStatus)? {
        switch failure.kind {
        case .hubUnreachable, .hubTooSlow, .hubBroken, .tooBusy, .budgetSpent: standIn(nil, now)
        default: nil
        }
    }

    private func standIn(_ code: Int?, _ now: MonotonicInstant) -> (CachedResponse, CacheStatus)? {
        guard let stale, cache.standsIn(stale, at: now) else { return nil }
        return (stale, .standIn(status: code, ttl: cache.ttl(of: stale, at: now)))
    }

    /// However it ended, the next request may ask again.
    func ended() { stale?.isRevalidating = false }
}

extension RecordedResponse {
    /// Whether it holds an address that expires and was made for one client.
    fileprivate var holdsSigned: Bool {
        CacheRules.signed.stand(in: headers.bytes.span) || CacheRules.signed.stand(in: content.span)
    }
}
