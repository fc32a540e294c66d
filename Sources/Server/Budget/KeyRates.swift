import EventIO
import Hub

/// How fast each key has been, in memory that all workers share: a rate is the key's, whichever of them serve it.
///
/// A key has the word of its row's number. With more keys than words two of them share one word, and get less; no key gets more.
struct KeyRates: Sendable {
    /// 8 MiB of addresses, of which memory is taken for what is used.
    private static let words = 1 << 20

    private let next: SharedWords

    init(words: Int = Self.words) {
        precondition(words > 0 && words & (words - 1) == 0)
        next = SharedWords(count: words)
    }

    /// Counts one request. Throws `tooManyRequests` where the key's rate is used up. If another worker counts at the same moment, the second one
    /// reads the word again.
    func take(_ key: KeyIdentity, at now: UInt64 = MonotonicInstant.now.nanoseconds) throws(Failure) {
        guard let rate = key.grant.rate else { return }
        guard let wait = take(rate, of: key.number, at: now) else { return }
        throw Failure(
            .tooManyRequests(limit: rate.count, seconds: rate.seconds),
            detail: "The gateway key \(key.name) has used its rate of \(rate.words). Try again in "
                + "\(RequestRate.seconds(wait)) s, or ask the operator of this gateway for another rate.",
            retryAfter: RequestRate.seconds(wait))
    }

    /// In nanoseconds how long to wait; nil where the request is admitted.
    func take(_ rate: RequestRate, of number: Int64, at now: UInt64) -> UInt64? {
        let word = Int(truncatingIfNeeded: number) & (next.count - 1)
        var known = next.load(word)
        while true {
            switch rate.admit(at: now, next: known) {
            case .refused(let wait): return wait
            case .admitted(let after):
                guard let found = next.exchange(word, known, for: after) else { return nil }
                known = found
            }
        }
    }
}
