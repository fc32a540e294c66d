import EventIO
import Hub

/// What is left of one of the Hub's buckets until its window ends, in words that all workers share.
///
/// Each count carries the number of its window, so all counts start again when that number grows, by one exchange of one word:
/// a worker that dies between two words leaves nothing half done. All of it is an estimate, which the Hub's next response corrects.
///
/// Times are readings of the monotonic clock in microseconds, where nothing else is said.
struct BudgetWindow: Sendable {
    enum Word: Int, CaseIterable {
        /// What is left, by our own count; and the window's number.
        case state
        /// When the window ends, in milliseconds. 0: nothing is known of the bucket.
        case end
        /// Requests of a whole window, and its length in milliseconds; 0 where the Hub has not said it.
        case quota, length
        /// In this window: calls that went, those of them without an answer yet, requests that came, and the weights of all shares that had a call.
        case released, inFlight, demand, weights
        /// The last of the calls that went whose answer has come.
        case newest
        /// Requests that came in the window before.
        case before
        /// When the last call had its turn while calls are spread.
        case lastTurn
        /// Of the fair order (`BudgetTurns`).
        case virtualTime
        /// The number of the last window of which the Hub has told.
        case confirmed
    }

    static let header = 16
    static let shares = 512
    static let shareWords = 4
    static let words = header + shares * shareWords

    /// The Hub tells whole seconds, and an answer takes its time: what differs by less is the same window.
    static let slack = 1_500
    /// In milliseconds: a window is taken to be at least as long.
    private static let shortest = 100

    let all: SharedWords
    let base: Int

    init(_ words: SharedWords, at base: Int) {
        all = words
        self.base = base
    }

    /// How it is at one moment.
    struct View: Equatable {
        let number: UInt64
        let left: Int
        /// In milliseconds, as the rest.
        let end: Int
        let quota: Int
        let length: Int
        /// The Hub has not told of this window yet: that it has begun is a guess by the clock.
        let isGuess: Bool

        /// Whether one call is to find out whether the window has begun.
        var isProbe: Bool { isGuess && left <= 1 }

        /// Milliseconds until it ends.
        func rest(at now: Int) -> Int { max(0, end - now / 1000) }
    }

    func load(_ word: Word) -> UInt64 { all.load(base + word.rawValue) }
    func store(_ word: Word, _ value: UInt64) { all.store(base + word.rawValue, value) }

    /// Nil: nothing is known, and no call waits. Begins the next window when the time has come.
    func look(at now: Int) -> View? {
        for _ in 0..<4 {
            let (end, state) = (load(.end), load(.state))
            guard end != 0 else { return nil }
            let (of, at) = (NumberedCount(end), NumberedCount(state))
            if of.number != at.number {
                // The worker that began this window has not said yet when it ends.
                let guess = NumberedCount(at.number, now / 1000 + self.length)
                _ = all.exchange(base + Word.end.rawValue, end, for: guess.word)
            } else if now / 1000 >= of.count {
                roll(at, end: of.count, now: now)
            } else {
                return View(
                    number: at.number, left: at.count, end: of.count, quota: Int(load(.quota)), length: self.length,
                    isGuess: load(.confirmed) != at.number)
            }
        }
        return nil
    }

    private var length: Int { max(Self.shortest, Int(load(.length))) }

    /// The window's time is over. The response to the next call says whether the Hub agrees: until then one call may go, or as many as were left;
    /// where the window is surely over, a whole quota may.
    private func roll(_ state: NumberedCount, end: Int, now: Int) {
        let late = now / 1000 - end
        let quota = Int(load(.quota))
        let left = late >= Self.slack && quota > 0 ? quota : max(1, state.count)
        begin(after: state, left: left, isNext: late < length)
    }

    /// Begins the window after `state`, if no other worker has. Its end has to be stored next.
    @discardableResult
    func begin(after state: NumberedCount, left: Int, isNext: Bool = true) -> UInt64? {
        let next = NumberedCount(state.number &+ 1, left)
        guard all.exchange(base + Word.state.rawValue, state.word, for: next.word) == nil else { return nil }
        store(.before, isNext ? UInt64(count(.demand, of: state.number)) : 0)
        return next.number
    }

    /// Whether it has ended long ago, or never begun.
    func isOver(at now: Int) -> Bool {
        let end = load(.end)
        return end == 0 || now / 1000 > NumberedCount(end).count + 2 * length
    }

    /// As if the Hub had never told of the bucket.
    func forget() { store(.end, 0) }
}

/// A count and the number of the window that it is of, in one word.
struct NumberedCount: Equatable {
    private static let bits: UInt64 = 40
    private static let mask: UInt64 = 1 << bits - 1
    static let numbers: UInt64 = 1 << (64 - bits)

    let word: UInt64

    init(_ word: UInt64) { self.word = word }

    init(_ number: UInt64, _ count: Int) {
        word = (number & (Self.numbers - 1)) << Self.bits | min(UInt64(max(count, 0)), Self.mask)
    }

    var number: UInt64 { word >> Self.bits }
    var count: Int { Int(word & Self.mask) }

    /// Whether it is of the window `other` or of one before: numbers go round.
    func isUpTo(_ other: UInt64) -> Bool { (other &- number) & (Self.numbers - 1) < Self.numbers / 2 }
}

// MARK: counts

extension BudgetWindow {
    /// What is counted for the window of this number.
    func count(_ word: Word, of number: UInt64) -> Int { count(at: base + word.rawValue, of: number) }

    func count(at index: Int, of number: UInt64) -> Int {
        let found = NumberedCount(all.load(index))
        return found.number == number ? found.count : 0
    }

    /// Returns the new count. For a window that is over nothing is counted.
    @discardableResult
    func add(_ count: Int, at index: Int, of number: UInt64) -> Int {
        var known = all.load(index)
        while true {
            let old = NumberedCount(known)
            guard old.isUpTo(number) else { return 0 }
            let new = NumberedCount(number, (old.number == number ? old.count : 0) + count)
            guard let found = all.exchange(index, known, for: new.word) else { return new.count }
            known = found
        }
    }

    @discardableResult
    func add(_ count: Int, to word: Word, of number: UInt64) -> Int { add(count, at: base + word.rawValue, of: number) }
}
