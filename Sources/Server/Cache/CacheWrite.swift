import EventIO
import HTTP
import Hub

/// A response that is being fetched to be kept.
@EventLoop
final class CacheWrite {
    private let cache: ResponseCache
    let key: CacheKey
    private let lifetime: CacheRules.Lifetime
    private let mark: WriteEpochs.Mark
    private let asked = MonotonicInstant.now
    private let isShared: Bool
    /// What was kept before. It stands in where the Hub cannot say anything, and is right again where the Hub says so.
    let stale: CachedResponse?
    /// The Hub is asked whether that is still right.
    private(set) var isConditional = false
    /// Nil until the Hub's head is there.
    private var isAllowed: Bool?
    private var validator: String?

    init(
        to cache: ResponseCache, _ key: CacheKey, _ lifetime: CacheRules.Lifetime, mark: WriteEpochs.Mark,
        stale: CachedResponse?, isShared: Bool
    ) {
        self.cache = cache
        self.key = key
        self.lifetime = lifetime
        self.mark = mark
        self.stale = stale
        self.isShared = isShared
    }

    /// Adds the condition that spares the Hub the content of what is kept (RFC 9110 section 13.1.2). A client's own conditions go before.
    func makeConditional(_ headers: inout Headers) {
        guard let validator = stale?.validator, !headers.contains("If-None-Match"),
            !headers.contains("If-Modified-Since")
        else { return }
        headers.set("If-None-Match", validator)
        isConditional = true
    }

    /// The Hub's head, as it came. Of two calls for one response the first decides: the second is of a store.
    private func judge(_ head: Transfer.Head) {
        guard isAllowed == nil else { return }
        isAllowed = CacheRules.allows(head, isShared: isShared)
        validator = head.status == .ok ? head.headers["ETag"] : nil
    }

    /// The largest content that is kept, in bytes; nil where this response is not. What was kept before is not right any more then,
    /// unless it is only now that the Hub cannot say it.
    func limit(_ status: Status, _ headers: Headers, length: Int?) -> Int? {
        if isAllowed == true, CacheRules.keeps(status, headers), length ?? 0 <= cache.largest { return cache.largest }
        if stale != nil, status.code < 500, status.code != 429, status.code != 304 { cache.forget(key) }
        return nil
    }

    /// Whether others than who asked may have the response, kept or not.
    func mayShare(_ response: RecordedResponse) -> Bool { !response.holdsSigned }

    func keep(_ response: RecordedResponse, to request: Request) {
        guard limit(response.status, response.headers, length: response.content.count) != nil else { return }
        cache.keep(
            CachedResponse(
                response, lifetime: lifetime, validator: validator, mark: mark, to: request, asked: asked), for: key)
    }

    /// What is kept, where the Hub says that it is right, or cannot say anything now. Else the head decides whether its response is kept.
    func replacement(for head: Transfer.Head) -> (CachedResponse, CacheStatus)? {
        let code = head.status.code
        if code == 304, isConditional, let stale {
            stale.validate(at: asked)
            return (stale, .validated)
        }
        if code == 429 || code >= 500, let stale = standIn() { return (stale, .standIn(status: code)) }
        judge(head)
        return nil
    }

    /// What is kept, where nothing came from the Hub.
    func replacement(for failure: Failure) -> (CachedResponse, CacheStatus)? {
        switch failure.kind {
        case .hubUnreachable, .hubTooSlow, .hubBroken, .tooBusy, .budgetSpent:
            standIn().map { ($0, .standIn(status: nil)) }
        default: nil
        }
    }

    private func standIn() -> CachedResponse? {
        stale?.isRevalidating = false
        return stale.flatMap { cache.standsIn($0) ? $0 : nil }
    }
}

extension RecordedResponse {
    /// Whether it has an address that ends, and that was made for one client.
    fileprivate var holdsSigned: Bool {
        CacheRules.signed.stand(in: headers.bytes.span) || CacheRules.signed.stand(in: content.span)
    }
}
