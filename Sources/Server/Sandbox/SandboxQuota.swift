import Hub

/// How many requests each caller has left in a fixed window of five minutes, as the Hub counts and tells it
/// (huggingface.co/docs/hub/rate-limits).
struct SandboxQuota {
    /// What is counted together: one kind of path, one credential.
    struct Bucket: Hashable {
        let kind: String
        let credential: String

        init(_ target: Target, _ credential: SandboxCredential) {
            let segments = target.segments
            kind = segments.first == "api" ? "api" : segments.contains("resolve") ? "resolvers" : "pages"
            self.credential = credential.name
        }
    }

    let limit: Int
    /// Whether a caller who has none left is refused; otherwise one is always left.
    let enforced: Bool
    static let window: Int64 = 300

    private var used: [Bucket: Int] = [:]
    private var opened: Int64 = 0

    init(limit: Int, enforced: Bool) {
        self.limit = limit
        self.enforced = enforced
    }

    /// Counts a request; false if it is one too many.
    mutating func spend(_ bucket: Bucket, now: Int64) -> Bool {
        if now - opened >= Self.window {
            used = [:]
            opened = now
        }
        let spent = used[bucket, default: 0]
        guard spent < limit else { return !enforced }
        used[bucket] = spent + 1
        return true
    }

    /// Until every caller has the whole quota again.
    func secondsLeft(now: Int64) -> Int64 { max(1, opened + Self.window - now) }

    /// The RateLimit field.
    func state(of bucket: Bucket, now: Int64) -> String {
        let left = max(limit - used[bucket, default: 0], enforced ? 0 : 1)
        return "\"\(bucket.kind)\";r=\(left);t=\(secondsLeft(now: now))"
    }

    /// The RateLimit-Policy field.
    func policy(of bucket: Bucket) -> String {
        "\"fixed window\";\"\(bucket.kind)\";q=\(limit);w=\(Self.window)"
    }
}
