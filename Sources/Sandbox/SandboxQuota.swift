package import HTTP
package import Hub

/// How many requests of a kind each credential has in a window of time.
package struct SandboxLimits: Sendable, Equatable {
    package struct Window: Sendable, Equatable {
        package let count: Int
        package let milliseconds: Int64

        package init(count: Int, milliseconds: Int64) {
            self.count = count
            self.milliseconds = milliseconds
        }
    }

    /// A kind that is missing has no limit.
    package let windows: [HubBucket: Window]

    package init(_ windows: [HubBucket: Window]) {
        self.windows = windows
    }
}

/// Counts requests in fixed windows, and reports them as the Hub does (huggingface.co/docs/hub/rate-limits). They follow each other without a
/// gap from the first request on.
package struct SandboxQuota {
    /// Requests that are counted together: of one kind of path and one credential.
    package struct Bucket: Hashable {
        package let kind: HubBucket
        package let credential: String

        package init(_ target: Target, _ credential: SandboxCredential) {
            let segments = target.segments
            kind = segments.first == "api" ? .api : segments.contains("resolve") ? .resolvers : .pages
            self.credential = credential.name
        }
    }

    private struct Used {
        /// Which of the windows.
        var window: Int64
        var count = 0
    }

    /// Reported where there is no limit: more requests than any client makes.
    package static let unlimited = SandboxLimits.Window(count: 1_000_000, milliseconds: 300_000)

    private let limits: SandboxLimits?
    private var used: [Bucket: Used] = [:]
    private var began: Int64?

    package init(_ limits: SandboxLimits?) {
        self.limits = limits
    }

    private func window(_ bucket: Bucket) -> SandboxLimits.Window { limits?.windows[bucket.kind] ?? Self.unlimited }

    private func number(_ bucket: Bucket, _ now: Int64) -> Int64 {
        (now - (began ?? now)) / window(bucket).milliseconds
    }

    private func spent(_ bucket: Bucket, _ now: Int64) -> Int {
        used[bucket].flatMap { $0.window == number(bucket, now) ? $0.count : nil } ?? 0
    }

    /// Counts a request; false if it is one too many. `now` in milliseconds, as all times here.
    package mutating func spend(_ bucket: Bucket, now: Int64) -> Bool {
        began = began ?? now
        let spent = spent(bucket, now)
        guard spent < window(bucket).count else { return limits?.windows[bucket.kind] == nil }
        used[bucket] = Used(window: number(bucket, now), count: spent + 1)
        return true
    }

    /// Whole seconds until the window has ended.
    package func secondsLeft(_ bucket: Bucket, now: Int64) -> Int64 {
        let length = window(bucket).milliseconds
        let rest = length - (now - (began ?? now)) % length
        return max(1, (rest + 999) / 1000)
    }

    /// The RateLimit field.
    package func state(of bucket: Bucket, now: Int64) -> String {
        let left = window(bucket).count - spent(bucket, now)
        return "\"\(bucket.kind.name)\";r=\(left);t=\(secondsLeft(bucket, now: now))"
    }

    /// The RateLimit-Policy field.
    package func policy(of bucket: Bucket) -> String {
        let window = window(bucket)
        return "\"fixed window\";\"\(bucket.kind.name)\";q=\(window.count);w=\(max(1, window.milliseconds / 1000))"
    }
}
