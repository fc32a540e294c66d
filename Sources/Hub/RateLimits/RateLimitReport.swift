package import HTTP

/// What a response of the Hub tells about the caller's budget: `RateLimit: "api";r=12;t=55`, and
/// `RateLimit-Policy: "fixed window";"api";q=500;w=300` (draft-ietf-httpapi-ratelimit-headers-09, in a form of the Hub's own).
///
/// It is untrusted input: numbers are cut to bounds, and a malformed field counts as missing.
package struct RateLimitReport: Sendable, Equatable {
    package let bucket: HubBucket
    /// Requests that are left in the window.
    package let left: Int
    /// Until the window ends, in seconds.
    package let seconds: Int
    /// Requests in a whole window; nil where the Hub does not say.
    package let quota: Int?
    /// The length of a window, in seconds; nil where the Hub does not say.
    package let window: Int?

    /// Longer windows than any that a client could wait for.
    package static let longestWindow = 3600
    package static let largestQuota = 100_000_000

    package init(bucket: HubBucket, left: Int, seconds: Int, quota: Int? = nil, window: Int? = nil) {
        let window = window.map { min(max($0, 1), Self.longestWindow) }
        let quota = quota.map { min(max($0, 1), Self.largestQuota) }
        self.bucket = bucket
        self.quota = quota
        self.window = window
        self.left = min(max(left, 0), quota ?? Self.largestQuota)
        self.seconds = min(max(seconds, 0), window ?? Self.longestWindow)
    }

    /// Nil where the response says nothing that can be understood.
    package init?(_ headers: Headers) {
        guard let limit = Self.members("RateLimit", headers)?.first(where: { $0.bucket != nil }),
            let bucket = limit.bucket, let left = limit.left, let seconds = limit.seconds
        else { return nil }
        let policy = Self.members("RateLimit-Policy", headers)?.first { $0.bucket == bucket }
        self.init(
            bucket: bucket, left: left, seconds: seconds, quota: policy?.quota, window: policy?.window)
    }

    /// Most responses of other servers have no such field, and cost only a look at the lengths of the names.
    private static func members(_ name: String, _ headers: Headers) -> [RateLimitMember]? {
        headers.withFirst(name) { RateLimitMember.list($0) } ?? nil
    }

    /// The whole seconds of `Retry-After`; nil for a date, and where there is none.
    package static func retryAfter(_ headers: Headers) -> Int? {
        headers["Retry-After"].flatMap { Int($0) }.flatMap { $0 >= 0 ? min($0, longestWindow) : nil }
    }
}

/// One member of such a list: the bucket that it names, and its parameters.
struct RateLimitMember: Equatable {
    var bucket: HubBucket?
    var left: Int?
    var seconds: Int?
    var quota: Int?
    var window: Int?

    /// Nil for a malformed list, and for more members than the Hub could mean.
    static func list(_ field: Span<UInt8>) -> [RateLimitMember]? {
        guard field.count <= RateLimitParser.longestField else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(field.count)
        for index in field.indices { bytes.append(field[index]) }
        var parser = RateLimitParser(bytes)
        return parser.list()
    }
}
