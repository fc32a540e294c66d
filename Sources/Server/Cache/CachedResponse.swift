import EventIO
import HTTP

/// A response that is kept, as it goes out to a client.
@EventLoop
final class CachedResponse {
    /// By these the Hub is asked whether it still has the same content (RFC 9110 section 8.8); empty where it gave none.
    struct Validators {
        var etag: String?
        var lastModified: String?
    }

    private(set) var response: RecordedResponse
    let lifetime: CacheRules.Lifetime
    /// As the Hub gave them: clients see fields that were rewritten.
    let validators: Validators
    /// The changes that were known before the Hub was asked.
    let mark: WriteEpochs.Mark
    let nominated: NominatedFields
    private(set) var freshness: Freshness
    /// When the Hub was last asked and has validated the response.
    private(set) var asked: MonotonicInstant
    /// The Hub is being asked whether it is still right.
    var isRevalidating = false
    /// Where the workers' shared memory has it; nil where it does not.
    var sharedPlace: UInt64?

    /// Fields of one response alone: which request it was, and what was left of the budget then.
    private static let ofOneResponse = CaselessWords([
        "X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After", "Age", "Cache-Status",
    ])
    /// Fields that a 304 does not change: they describe the stored content, or are ours (RFC 9111 section 3.2).
    private static let ofTheContent = CaselessWords([
        "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "ETag", "Content-Security-Policy",
        "X-Content-Type-Options",
    ])

    /// Nil for a response that is good for this one request only.
    init?(
        _ response: RecordedResponse, lifetime: CacheRules.Lifetime, validators: Validators, mark: WriteEpochs.Mark,
        to request: Request, asked: MonotonicInstant
    ) {
        guard let nominated = NominatedFields(response.headers, of: request) else { return nil }
        self.nominated = nominated
        freshness = Freshness(response.headers, now: WallClock.now.seconds)
        var kept = response
        kept.headers.removeAll(Self.ofOneResponse)
        self.response = kept
        self.lifetime = lifetime
        self.validators = validators
        self.mark = mark
        self.asked = asked
    }

    /// From the record that another worker has written.
    init(
        _ response: RecordedResponse, lifetime: CacheRules.Lifetime, validators: Validators, mark: WriteEpochs.Mark,
        nominated: NominatedFields, freshness: Freshness, asked: MonotonicInstant
    ) {
        (self.response, self.lifetime, self.validators) = (response, lifetime, validators)
        (self.mark, self.nominated, self.freshness, self.asked) = (mark, nominated, freshness, asked)
    }

    /// Whether the Hub would have chosen it for this request, too.
    func fits(_ request: Request) -> Bool { nominated.fit(request) }

    /// In seconds (RFC 9111 section 4.2.3).
    func age(at now: MonotonicInstant) -> Int {
        min(DeltaSeconds.most, freshness.age + Int(now.milliseconds(since: asked)) / 1000)
    }

    /// For how many seconds more it is fresh, with `ttl` where the response does not say; 0 or less once it is stale.
    func freshFor(_ ttl: Int, at now: MonotonicInstant) -> Int {
        freshness.asksAlways ? 0 : min(ttl, freshness.lifetime ?? ttl) - age(at: now)
    }

    /// Whether it may be given out when it is stale.
    var mayBeStale: Bool { !freshness.isNeverStale }
    var asksAlways: Bool { freshness.asksAlways }

    /// The Hub has validated it, in a 304 with these fields. Returns whether it may still be kept.
    func validate(_ headers: Headers, asked: MonotonicInstant) -> Bool {
        var news = headers
        news.removeAll(Self.ofOneResponse)
        news.removeAll(Self.ofTheContent)
        var merged = Headers()
        for (name, value) in response.headers where !news.contains(name) { merged.append(name, value) }
        for (name, value) in news { merged.append(name, value) }
        response.headers = merged
        var dated = merged
        if let age = headers["Age"] { dated.append("Age", age) }
        freshness = Freshness(dated, now: WallClock.now.seconds)
        self.asked = asked
        return !CacheDirectives(response: merged).noStore
    }

    /// About how much memory it takes, in bytes.
    var size: Int { response.content.count + response.headers.bytes.count + 512 }
}
