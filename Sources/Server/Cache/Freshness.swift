import HTTP

/// How old a response was when it came, and for how long it may be given out, by its own fields (RFC 9111 section 4.2).
struct Freshness: Equatable, Sendable {
    /// For how long it is fresh, in seconds; nil where it does not say.
    let lifetime: Int?
    /// How old it was when it came, in seconds.
    let age: Int
    /// The Hub has to be asked each time before it is given out.
    let asksAlways: Bool
    /// Once it is stale it must not be given out, not even while the Hub cannot be asked.
    let isNeverStale: Bool

    init(lifetime: Int?, age: Int, asksAlways: Bool, isNeverStale: Bool) {
        (self.lifetime, self.age, self.asksAlways, self.isNeverStale) = (lifetime, age, asksAlways, isNeverStale)
    }

    /// `now` in seconds since 1970, for a response without a date.
    init(_ headers: Headers, now: Int) {
        let directives = CacheDirectives(response: headers)
        lifetime = directives.maxAge ?? Self.untilExpiry(headers, now: now)
        age = Self.age(headers)
        asksAlways = directives.noCache
        isNeverStale = directives.noCache || directives.mustRevalidate
    }

    /// Nil without `Expires`. An unreadable or repeated one counts as expired.
    private static func untilExpiry(_ headers: Headers, now: Int) -> Int? {
        guard headers.contains("Expires") else { return nil }
        let all = headers.values(of: "Expires")
        guard all.count == 1, let expiry = HTTPDate.seconds(all[0]) else { return 0 }
        return max(0, expiry - (headers["Date"].flatMap { HTTPDate.seconds($0) } ?? now))
    }

    /// Of several values the first counts; one that is no number is ignored (RFC 9111 section 5.1).
    private static func age(_ headers: Headers) -> Int {
        guard let value = headers["Age"] else { return 0 }
        return DeltaSeconds.read(value.utf8.prefix { $0 != UInt8(ascii: ",") }.trimmingOWS()) ?? 0
    }
}
