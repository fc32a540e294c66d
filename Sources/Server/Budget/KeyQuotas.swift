import EventIO
import Hub

/// Counts requests of keys against their limits, in one worker: asks the state process for more before what is debited is used up.
@EventLoop
final class KeyQuotas {
    typealias Debited = @EventLoop (Failure?) -> Void

    private struct Subject: Hashable {
        let publicID: Int64
        let kind: KeyLimit
        let day: Int64
    }

    private struct Waiter {
        let position: Int64
        let limit: Int64
        let then: Debited
    }

    let words: QuotaWords
    let worker: Int
    private let client: StateClient
    /// Seconds since 1970.
    private let clock: @EventLoop () -> Int
    /// Requests that wait for an answer of the state process, by what they have asked.
    private var waiting: [Subject: [Waiter]] = [:]
    /// Refused requests, by limit.
    private(set) var refusals = [Int](repeating: 0, count: KeyLimit.allCases.count)

    init(
        _ words: QuotaWords, worker: Int, client: StateClient,
        clock: @escaping @EventLoop () -> Int = { WallClock.now.seconds }
    ) {
        self.clock = clock
        self.words = words
        self.worker = worker
        self.client = client
    }

    /// In days since 1970, in UTC.
    var today: Int64 { Int64(clock()) / 86_400 }

    /// Lets a request of a key begin; nil for a key without limits. `length` is that of its body, nil where that is not known.
    /// `isCounted`: it is one of those that may be under way at once.
    func admit(
        _ key: KeyIdentity, body length: UInt64?, asksModel: Bool, isCounted: Bool
    ) throws(Failure) -> KeyAllowance? {
        guard let limits = key.grant.limits else { return nil }
        guard let slot = words.slot(of: key.publicID, today: today) else {
            throw .tooBusy("room to count what another key with limits uses")
        }
        guard words.enter(slot, most: limits[.concurrent], isCounted: isCounted, worker: worker) else {
            throw refusal(.concurrent, key.name, limits[.concurrent] ?? 0)
        }
        let allowance = KeyAllowance(self, key, limits, slot, isCounted: isCounted)
        do throws(Failure) {
            try allowance.admit(body: length, asksModel: asksModel)
        } catch {
            allowance.giveUp()
            throw error
        }
        return allowance
    }

    /// Makes sure that use up to `position` is debited. Calls `then` later, with the failure if there is one.
    func debit(
        _ key: KeyIdentity, _ kind: KeyLimit, _ slot: QuotaWords.Slot, upTo position: Int64, limit: Int64, day: Int64,
        then: @escaping Debited
    ) {
        let subject = Subject(publicID: key.publicID, kind: kind, day: day)
        let waiter = Waiter(position: position, limit: limit, then: then)
        guard waiting[subject] == nil else {
            waiting[subject]?.append(waiter)
            return
        }
        waiting[subject] = [waiter]
        ask(subject, slot)
    }

    /// The same without a waiter.
    func debitAhead(_ key: KeyIdentity, _ kind: KeyLimit, _ slot: QuotaWords.Slot, limit: Int64, day: Int64) {
        guard waiting[Subject(publicID: key.publicID, kind: kind, day: day)] == nil,
            let taken = words.standing(of: kind, slot, day: day)?.taken
        else { return }
        debit(key, kind, slot, upTo: taken, limit: limit, day: day) { _ in }
    }

    /// How much is debited at once: a crash of the whole gateway loses at most so much, and one wait for the disk pays for so much.
    nonisolated static func block(_ kind: KeyLimit, of limit: Int64) -> Int64 {
        max(limit / 32, kind == .bytesADay ? 1 << 20 : kind == .tokensADay ? 4096 : 4)
    }

    /// `isAgain`: the state process died before it answered. To ask twice debits once.
    private func ask(_ subject: Subject, _ slot: QuotaWords.Slot, isAgain: Bool = false) {
        let day = subject.day
        let waiters = waiting[subject] ?? []
        let limit = waiters.lazy.map(\.limit).max() ?? 0
        let position = waiters.lazy.map(\.position).max() ?? 0
        let block = Self.block(subject.kind, of: limit)
        let isKnown = words.standing(of: subject.kind, slot, day: day) != nil
        let debit = QuotaDebit(
            publicID: subject.publicID, kind: subject.kind, day: day, run: words.run,
            target: isKnown ? min(position + block, limit) : 0, beyond: isKnown ? 0 : min(position + block, limit),
            limit: limit)
        client.ask(debit.record) { [weak self] result in
            guard let self else { return }
            // Posted, so that it runs outside the callbacks of the receiver and of the caller.
            EventLoop.post { self.answered(subject, slot, result, isAgain: isAgain) }
        }
    }

    private func answered(
        _ subject: Subject, _ slot: QuotaWords.Slot, _ answer: Result<[UInt8], StateClient.Loss>,
        isAgain: Bool
    ) {
        guard let balance = (try? answer.get()).flatMap({ QuotaBalance($0) }) else {
            guard isAgain || !client.trouble.isEmpty else { return ask(subject, slot, isAgain: true) }
            let waiters = waiting.removeValue(forKey: subject) ?? []
            for waiter in waiters { waiter.then(.quotaUnknown) }
            return
        }
        let waiters = waiting.removeValue(forKey: subject) ?? []
        words.learn(balance, of: subject.kind, slot, day: subject.day)
        let most = waiters.lazy.map(\.limit).max() ?? 0
        var left: [Waiter] = []
        for waiter in waiters {
            if waiter.position <= balance.debited {
                waiter.then(nil)
            } else if balance.debited >= most {
                waiter.then(.quotaUnknown)
            } else {
                left.append(waiter)
            }
        }
        guard !left.isEmpty else { return }
        waiting[subject] = left + (waiting[subject] ?? [])
        ask(subject, slot)
    }
}

extension KeyQuotas {
    /// Why a request is refused, which is counted.
    func refusal(_ kind: KeyLimit, _ name: String, _ limit: Int64) -> Failure {
        refusals[Int(kind.rawValue)] += 1
        let size = kind.text(limit)
        let ask = "ask the operator of this gateway for another limit."
        guard limit > 0 else {
            return Failure(
                .denied,
                detail: "The gateway key \(name) may not \(kind.act): its limit \(kind.name) is 0. For more, \(ask)")
        }
        guard kind != .concurrent else {
            return Failure(
                .limitReached,
                detail:
                    "The gateway key \(name) may have \(size) requests under way at once (its limit \(kind.name)), and has them. "
                    + "Try again when one of them has ended, or \(ask)",
                retryAfter: 1)
        }
        let wait = 86_400 - clock() % 86_400
        let what = kind == .inferenceADay ? "\(size) requests of models" : kind == .tokensADay ? "\(size) tokens" : size
        return Failure(
            .limitReached,
            detail:
                "The gateway key \(name) may have \(what) a day (its limit \(kind.name)), and what is left of that is less than this "
                + "request takes. The next day begins at midnight in UTC, in \(wait) s; or \(ask)",
            retryAfter: wait)
    }
}

extension Failure {
    /// The state cannot say what is left of a limit.
    static var quotaUnknown: Failure {
        Failure(
            .declined(.stateUnavailable),
            detail:
                "What the limits of this key leave cannot be written down at present, so nothing is spent. Try again later.",
            retryAfter: 5)
    }
}
