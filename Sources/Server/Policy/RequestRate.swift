import HTTP

/// How many requests a key may make in a period: `600/m`. After a pause that many at once, then one each tenth of a second.
struct RequestRate: Sendable, Hashable {
    /// Requests in a period.
    let count: UInt64
    /// The length of the period.
    let seconds: UInt64
    /// Nanoseconds from one request to the next, rounded up, so that there are never more.
    let interval: UInt64
    /// How far, in nanoseconds, the requests of a burst may be ahead of their times.
    let tolerance: UInt64

    private static let units: [String: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    static let most: UInt64 = 1_000_000_000

    /// Nil for a text that is no rate: a number from 1 to a billion, a slash and a unit.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = UInt64(parts[0]), (1...Self.most).contains(count), let seconds = Self.units[String(parts[1])]
        else { return nil }
        let period = seconds * 1_000_000_000
        self.count = count
        self.seconds = seconds
        interval = (period + count - 1) / count
        // At most a day and a second: it cannot overflow.
        tolerance = interval * count
    }
}

extension RequestRate: CustomStringConvertible {
    /// `600 requests a minute`.
    var words: String {
        let unit = ["s": "a second", "m": "a minute", "h": "an hour", "d": "a day"][
            Self.units.first { $0.value == seconds }?.key ?? "s"]
        return "\(count) \(count == 1 ? "request" : "requests") \(unit ?? "a second")"
    }

    /// In the form that `init` reads.
    var description: String { "\(count)/\(Self.units.first { $0.value == seconds }?.key ?? "s")" }
}
