import EventIO

/// Which calls the workers of a gateway make at present, in memory that they share: one worker calls the Hub, the others wait for its response.
///
/// A claim is one word. A worker that dies leaves its claims: the parent removes them, and a claim older than any call is ignored.
struct CallClaims: Sendable {
    /// Which worker makes a call.
    enum Answer {
        /// The one that asks: until `release`.
        case own(Claim)
        /// Another one: until `isHeld` is false.
        case others(Claim)
        /// None: there is no room for a claim.
        case unclaimed
    }

    struct Claim: Hashable, Sendable {
        fileprivate let place: Int
        fileprivate let word: UInt64
    }

    /// In seconds.
    private static let longest: UInt64 = 60
    private static let rows = 1024
    /// Places for calls with the same bits: one line of a processor's cache.
    private static let row = 8
    /// Of a word: the second, the worker, and above them bits of the call's digest.
    private static let (secondBits, workerBits) = (UInt64(12), UInt64(12))
    private static let secondMask = (UInt64(1) << secondBits) - 1
    private static let workerMask = (UInt64(1) << workerBits) - 1
    private static let lowMask = (UInt64(1) << (secondBits + workerBits)) - 1
    private static let attempts = 4

    private let words = SharedWords(count: CallClaims.rows * CallClaims.row)

    /// Claims the call with that digest for a worker, counted from 1, unless it is claimed. Of several workers that try at once mostly one gets
    /// it; if more than one does, the Hub is asked more than once.
    func claim(_ digest: UInt64, worker: Int, at now: MonotonicInstant = .now) -> Answer {
        let first = Int(digest % UInt64(Self.rows)) * Self.row
        let new =
            digest & ~Self.lowMask | (UInt64(worker) & Self.workerMask) << Self.secondBits | Self.second(now)
        for _ in 0..<Self.attempts {
            if let other = find(new, from: first, at: now) { return .others(other) }
            guard let (place, old) = free(from: first, at: now) else { return .unclaimed }
            guard words.exchange(place, old, for: new) == nil else { continue }
            let claim = Claim(place: place, word: new)
            // A worker that looked before this was written may have written elsewhere in the row.
            guard let other = find(new, from: first, but: place, at: now) else { return .own(claim) }
            release(claim)
            if isHeld(other) { return .others(other) }
        }
        return .unclaimed
    }

    func isHeld(_ claim: Claim, at now: MonotonicInstant = .now) -> Bool {
        words.load(claim.place) == claim.word && !Self.isOver(claim.word, at: now)
    }

    func release(_ claim: Claim) {
        _ = words.exchange(claim.place, claim.word, for: 0)
    }

    /// Removes the claims of a worker that has died.
    func clear(worker: Int) {
        for place in 0..<words.count {
            let word = words.load(place)
            if word != 0, Self.worker(word) == worker { _ = words.exchange(place, word, for: 0) }
        }
    }

    private func find(_ wanted: UInt64, from first: Int, but own: Int? = nil, at now: MonotonicInstant) -> Claim? {
        for place in first..<first + Self.row where place != own {
            let word = words.load(place)
            if word != 0, Self.isSame(word, wanted), !Self.isOver(word, at: now) {
                return Claim(place: place, word: word)
            }
        }
        return nil
    }

    private func free(from first: Int, at now: MonotonicInstant) -> (place: Int, old: UInt64)? {
        for place in first..<first + Self.row {
            let word = words.load(place)
            if word == 0 || Self.isOver(word, at: now) { return (place, word) }
        }
        return nil
    }

    private static func isSame(_ word: UInt64, _ other: UInt64) -> Bool {
        (word ^ other) & ~lowMask == 0
    }

    private static func worker(_ word: UInt64) -> Int { Int((word >> secondBits) & workerMask) }

    private static func second(_ now: MonotonicInstant) -> UInt64 { UInt64(now.milliseconds / 1000) & secondMask }

    private static func isOver(_ word: UInt64, at now: MonotonicInstant) -> Bool {
        (second(now) &- (word & secondMask)) & secondMask > longest
    }
}
