import EventIO

/// How much each key with limits has taken of them, in memory that all workers share: a limit is the key's, whichever of them serve it.
///
/// A key has a slot from its first request on. For each daily limit there are two words, each with its day: what is taken, and how far that is
/// debited in the state. Requests under way are counted by worker, so that those of one that died can be forgotten. No worker waits for another.
struct QuotaWords: Sendable {
    enum Taken: Equatable {
        /// `position`: what is taken with this.
        case taken(position: Int64)
        case over
        /// Nothing is known of that day yet: the state has to be asked.
        case unknown
    }

    /// A key's place.
    struct Slot: Equatable, Sendable {
        fileprivate let index: Int
    }

    private static let usualSlots = 1 << 18
    private static let wordsASlot = 8
    /// Places beside its own where a key may be.
    private static let neighbours = 64
    /// Of a word, the bits of the amount; above are those of the day.
    private static let amountBits: UInt64 = 47
    private static let amountMask = (UInt64(1) << amountBits) - 1
    /// How often a word is tried again that other workers change at the same moment.
    private static let attempts = 16

    private let slots: Int
    private let workers: Int
    private let words: SharedWords
    /// Requests under way, by worker and slot.
    private let entered: SharedWords
    /// How many slots were taken, and which.
    private let claimed: SharedWords
    /// Of this start of the gateway.
    let run: Int64

    init(workers: Int, slots: Int = Self.usualSlots) {
        precondition(slots > 0 && slots & (slots - 1) == 0)
        self.slots = slots
        self.workers = workers
        words = SharedWords(count: slots * Self.wordsASlot)
        entered = SharedWords(count: slots * (workers + 1))
        claimed = SharedWords(count: slots + 1)
        run = Int64.random(in: 1...Int64.max)
    }

    /// The slot of a key; nil where there is no room for another.
    func slot(of publicID: Int64, today: Int64) -> Slot? {
        let tag = UInt64(bitPattern: publicID) &+ 1
        let first = Int(truncatingIfNeeded: (tag &* 0x9E37_79B9_7F4A_7C15) >> 32)
        for step in 0..<min(Self.neighbours, slots) {
            let index = (first &+ step) & (slots - 1)
            switch words.load(index * Self.wordsASlot) {
            case tag: return Slot(index: index)
            case 0:
                guard let found = words.exchange(index * Self.wordsASlot, 0, for: tag) else {
                    note(index)
                    return Slot(index: index)
                }
                if found == tag { return Slot(index: index) }
            default: break
            }
        }
        return recycled(first, tag, today)
    }

    /// The place of a key that has had no request since yesterday. What its words say is of days that are over.
    private func recycled(_ first: Int, _ tag: UInt64, _ today: Int64) -> Slot? {
        for step in 0..<min(Self.neighbours, slots) {
            let index = (first &+ step) & (slots - 1)
            let old = words.load(index * Self.wordsASlot)
            let isIdle = KeyLimit.daily.allSatisfy { day(words.load(place(index, $0))) < today - 1 }
            guard isIdle, underWay(index) == 0 else { continue }
            if words.exchange(index * Self.wordsASlot, old, for: tag) == nil { return Slot(index: index) }
        }
        return nil
    }

    private func note(_ index: Int) {
        let number = add(1, to: 0, of: claimed)
        if number < slots { _ = claimed.exchange(Int(number) + 1, 0, for: UInt64(index)) }
    }

    private var claimedSlots: [Int] {
        let count = min(Int(truncatingIfNeeded: claimed.load(0)), slots)
        return (0..<count).map { Int(truncatingIfNeeded: claimed.load($0 + 1)) & (slots - 1) }
    }

    /// What stood there before.
    @discardableResult
    private func add(_ amount: UInt64, to index: Int, of words: SharedWords) -> UInt64 {
        var known = words.load(index)
        while let found = words.exchange(index, known, for: known &+ amount) { known = found }
        return known
    }

    private func place(_ index: Int, _ kind: KeyLimit) -> Int { index * Self.wordsASlot + 2 * Int(kind.rawValue) }
    private func day(_ word: UInt64) -> Int64 { Int64(word >> Self.amountBits) }
    private func amount(_ word: UInt64) -> Int64 { Int64(word & Self.amountMask) }
    private func word(_ day: Int64, _ amount: Int64) -> UInt64 {
        UInt64(clamping: day) << Self.amountBits | min(UInt64(clamping: amount), Self.amountMask)
    }

    /// A clock that goes back over midnight goes on with the day that has begun.
    private func isCurrent(_ word: UInt64, _ day: Int64) -> Bool { self.day(word) == day || self.day(word) == day + 1 }
}

// MARK: requests under way

extension QuotaWords {
    /// Counts a request of that worker's, unless there are as many under way as may be, in all workers. `most`: nil for no limit.
    ///
    /// Each request is added before the sum is taken: so of requests that come at once none sees too small a sum.
    ///
    /// `isCounted`: false for a request that the limit leaves out. It is counted in the upper half of the word, which keeps the slot for this key.
    func enter(_ slot: Slot, most: Int64?, isCounted: Bool = true, worker: Int) -> Bool {
        guard isCounted, let most else {
            add(Self.one(isCounted), to: worker * slots + slot.index, of: entered)
            return true
        }
        guard most > 0 else { return false }
        for _ in 0..<Self.attempts {
            guard underWay(slot.index) < most else { return false }
            add(1, to: worker * slots + slot.index, of: entered)
            if underWay(slot.index) <= most { return true }
            leave(slot, worker: worker)
        }
        return false
    }

    func leave(_ slot: Slot, isCounted: Bool = true, worker: Int) {
        add(0 &- Self.one(isCounted), to: worker * slots + slot.index, of: entered)
    }

    private static func one(_ isCounted: Bool) -> UInt64 { isCounted ? 1 : 1 << 32 }

    private func underWay(_ index: Int) -> Int64 {
        var sum: UInt64 = 0
        for worker in 0...workers { sum &+= entered.load(worker * slots + index) & UInt64(UInt32.max) }
        return Int64(sum)
    }

    /// A worker has died: its requests are over.
    func clear(worker: Int) {
        for index in claimedSlots {
            let place = worker * slots + index
            var known = entered.load(place)
            while known != 0, let found = entered.exchange(place, known, for: 0) { known = found }
        }
    }
}

// MARK: daily limits

extension QuotaWords {
    /// Takes `amount` of what is left of `limit` on that day.
    func take(_ amount: Int64, of kind: KeyLimit, _ slot: Slot, limit: Int64, day: Int64) -> Taken {
        let index = place(slot.index, kind)
        // What is debited is always written before what is taken.
        guard isCurrent(words.load(index + 1), day) else { return .unknown }
        var known = words.load(index)
        while true {
            guard isCurrent(known, day) else { return .unknown }
            let position = self.amount(known) + amount
            guard position <= limit else { return .over }
            guard let found = words.exchange(index, known, for: word(self.day(known), position)) else {
                return .taken(position: position)
            }
            known = found
        }
    }

    /// Adds what was spent beyond what was taken before, or gives back what was not. Of a day that is over nothing changes.
    func change(by amount: Int64, of kind: KeyLimit, _ slot: Slot, day: Int64) {
        let index = place(slot.index, kind)
        var known = words.load(index)
        while isCurrent(known, day) {
            let after = word(self.day(known), max(0, self.amount(known) + amount))
            guard let found = words.exchange(index, known, for: after) else { return }
            known = found
        }
    }

    /// What is taken and how far that is debited; nil where nothing is known of that day.
    func standing(of kind: KeyLimit, _ slot: Slot, day: Int64) -> (taken: Int64, debited: Int64)? {
        let index = place(slot.index, kind)
        let debited = words.load(index + 1)
        let taken = words.load(index)
        guard isCurrent(debited, day), isCurrent(taken, day) else { return nil }
        return (amount(taken), amount(debited))
    }

    /// Takes up the answer of the state process. All answers since this start of the gateway name the same base, so their order does not matter.
    func learn(_ balance: QuotaBalance, of kind: KeyLimit, _ slot: Slot, day: Int64) {
        let index = place(slot.index, kind)
        var taken = words.load(index)
        while !isCurrent(taken, day), let found = words.exchange(index, taken, for: word(day, balance.base)) {
            taken = found
        }
        var debited = words.load(index + 1)
        while !isCurrent(debited, day) || self.day(debited) == day && amount(debited) < balance.debited,
            let found = words.exchange(index + 1, debited, for: word(day, balance.debited))
        {
            debited = found
        }
    }

    /// At the end of the gateway: how much of the debits was taken, for each key and limit.
    var spent: [QuotaDebit] {
        claimedSlots.flatMap { index -> [QuotaDebit] in
            let tag = words.load(index * Self.wordsASlot)
            return KeyLimit.daily.compactMap { kind in
                let (taken, debited) = (words.load(place(index, kind)), words.load(place(index, kind) + 1))
                guard tag != 0, debited != 0, day(taken) == day(debited), amount(taken) < amount(debited) else {
                    return nil
                }
                return QuotaDebit(
                    publicID: Int64(bitPattern: tag &- 1), kind: kind, day: day(debited), run: run,
                    target: amount(taken))
            }
        }
    }
}
