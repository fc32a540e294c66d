import EventIO
import HTTP
import Hub

/// What one request has taken of its key's limits.
@EventLoop
final class KeyAllowance: RequestAllowance {
    /// What is taken at a time of content whose length is not known, in bytes.
    private static let step: Int64 = 1 << 20
    /// So much of it is left when the next is taken, in bytes: more than is written at once, so that nothing flows before it is debited.
    private static let ahead: Int64 = 128 << 10
    /// Far above every limit, and far below the end of the numbers.
    private static let largest: Int64 = 1 << 45
    /// Bytes of a body that are read in a turn of the loop for what its answer may cost.
    private static let readInATurn = 64 << 10

    private struct Tally {
        var amount: Int64 = 0
        var day: Int64 = 0
        /// What was taken of days before: it counts there.
        var before: Int64 = 0
    }

    private let quotas: KeyQuotas
    private let key: KeyIdentity
    private let limits: KeyLimits
    private let slot: QuotaWords.Slot
    private let isCounted: Bool
    private var tallies = [Tally](repeating: Tally(), count: KeyLimit.allCases.count)
    /// Debits that are not on the disk yet, and balances that have to be read first.
    private var debits = 0
    private var failure: Failure?
    private var waiters: [@EventLoop @Sendable (Failure?) -> Void] = []
    private var hasAsked = false
    /// Bytes that are taken for the body and for the response; nil: none has begun.
    private var body: Int64 = 0
    private var content: Int64?
    /// It is not known how long they will be.
    private var isBodyOpen = false
    private var isContentOpen = false
    /// The body's bytes beyond what is left are dropped.
    private var isBodyRefused = false
    private var hasEnded = false

    init(
        _ quotas: KeyQuotas, _ key: KeyIdentity, _ limits: KeyLimits, _ slot: QuotaWords.Slot, isCounted: Bool
    ) {
        self.isCounted = isCounted
        self.quotas = quotas
        self.key = key
        self.limits = limits
        self.slot = slot
    }

    func admit(body length: UInt64?, asksModel: Bool) throws(Failure) {
        if asksModel { try take(1, of: .inferenceADay) }
        guard let limit = limits[.bytesADay] else { return }
        // Where nothing is left there is nothing to ask.
        guard left(of: limit) > 0 else { throw quotas.refusal(.bytesADay, key.name, limit) }
        isBodyOpen = length == nil
        body = length.map { min(Int64(clamping: $0), Self.largest) } ?? min(Self.step, left(of: limit))
        try take(body, of: .bytesADay)
    }

    /// Of the bytes, as far as that is known.
    private func left(of limit: Int64) -> Int64 {
        let day = quotas.today
        return limit - (quotas.words.standing(of: .bytesADay, slot, day: day)?.taken ?? 0)
    }

    func giveUp() {
        guard !hasEnded else { return }
        hasEnded = true
        quotas.words.leave(slot, isCounted: isCounted, worker: quotas.worker)
        for kind in KeyLimit.daily { settle(kind, at: 0) }
    }
}

// MARK: taking

extension KeyAllowance {
    var isOpen: Bool { debits == 0 && failure == nil }

    func whenOpen(_ then: @escaping @EventLoop @Sendable (Failure?) -> Void) {
        waiters.append(then)
        tellIfDone()
    }

    func asks() { hasAsked = true }

    /// Throws where that is more than is left. Where the state has to be asked first it is taken when the answer is here.
    /// `asked`: the day for which it has answered already.
    private func take(_ amount: Int64, of kind: KeyLimit, asked: Int64? = nil) throws(Failure) {
        guard let limit = limits[kind] else { return }
        let day = quotas.today
        guard limit > 0 else { throw quotas.refusal(kind, key.name, limit) }
        switch quotas.words.take(amount, of: kind, slot, limit: limit, day: day) {
        case .over: throw quotas.refusal(kind, key.name, limit)
        case .taken(let position):
            note(amount, kind, day)
            cover(position, kind, limit, day)
        case .unknown:
            // At midnight another day begins, of which nothing is known yet.
            guard asked != day else { throw .quotaUnknown }
            debits += 1
            quotas.debit(key, kind, slot, upTo: min(amount, limit), limit: limit, day: day) { [self] failure in
                debits -= 1
                if let failure { self.failure = self.failure ?? failure } else { takeAgain(amount, kind, asked: day) }
                tellIfDone()
            }
        }
    }

    private func takeAgain(_ amount: Int64, _ kind: KeyLimit, asked: Int64? = nil) {
        guard !hasEnded else { return }
        do throws(Failure) {
            try take(amount, of: kind, asked: asked)
        } catch {
            failure = failure ?? error
        }
    }

    private func note(_ amount: Int64, _ kind: KeyLimit, _ day: Int64) {
        let place = Int(kind.rawValue)
        let tally = tallies[place]
        if tally.day != day { tallies[place] = Tally(day: day, before: tally.before + tally.amount) }
        tallies[place].amount += amount
    }

    /// What is taken has to be debited before it is spent.
    private func cover(_ position: Int64, _ kind: KeyLimit, _ limit: Int64, _ day: Int64) {
        let debited = quotas.words.standing(of: kind, slot, day: day)?.debited ?? 0
        guard debited < position else {
            if debited < limit, debited - position < KeyQuotas.block(kind, of: limit) / 2 {
                quotas.debitAhead(key, kind, slot, limit: limit, day: day)
            }
            return
        }
        debits += 1
        quotas.debit(key, kind, slot, upTo: position, limit: limit, day: day) { [self] failure in
            debits -= 1
            self.failure = self.failure ?? failure
            tellIfDone()
        }
    }

    private func tellIfDone() {
        guard debits == 0 || failure != nil else { return }
        let told = waiters
        waiters = []
        let failure = failure
        for then in told { EventLoop.post { then(failure) } }
    }

    func takeTokens(_ body: [UInt8]?, length: UInt64?) throws(Failure) {
        guard limits[.tokensADay] != nil else { return }
        if let body, body.count > Self.readInATurn {
            debits += 1
            read(body[...], TokenEstimate())
        } else {
            try take(TokenEstimate.most(body, length: length), of: .tokensADay)
        }
    }

    private func read(_ body: ArraySlice<UInt8>, _ estimate: TokenEstimate) {
        EventLoop.post { [self] in
            var estimate = estimate
            let piece = body.prefix(Self.readInATurn)
            estimate.take(piece.span)
            let rest = body.dropFirst(Self.readInATurn)
            guard rest.isEmpty else { return read(rest, estimate) }
            debits -= 1
            takeAgain(estimate.most, .tokensADay)
            tellIfDone()
        }
    }

    func begins(content length: Int?) throws(Failure) {
        guard let limit = limits[.bytesADay] else { return }
        isContentOpen = length == nil
        let amount = length.map { min(Int64($0), Self.largest) } ?? max(1, min(Self.step, left(of: limit)))
        let more = amount - (content ?? 0)
        if more > 0 { try take(more, of: .bytesADay) }
        content = max(amount, content ?? 0)
    }

    func refuses(content total: Int) -> Failure? {
        if let failure { return failure }
        return more(total, beyond: content ?? 0, isOpen: isContentOpen) { content = $0 }
    }

    func refuses(body total: Int) -> Failure? {
        if let failure { return failure }
        let refusal = more(total, beyond: body, isOpen: isBodyOpen) { body = $0 }
        isBodyRefused = refusal != nil
        return refusal
    }

    /// Takes another step, or if that is not left what is needed.
    private func more(_ total: Int, beyond taken: Int64, isOpen: Bool, _ set: (Int64) -> Void) -> Failure? {
        let needed = Int64(total) - taken
        guard let limit = limits[.bytesADay], needed > (isOpen ? -Self.ahead : 0) else { return nil }
        let amount = max(needed, min(Self.step, left(of: limit)))
        guard amount > 0 else { return nil }
        do throws(Failure) {
            try take(amount, of: .bytesADay)
            set(taken + amount)
            return nil
        } catch {
            // Another request took it first, and what would be taken ahead is not needed yet.
            return needed > 0 ? error : nil
        }
    }
}

// MARK: the end

extension KeyAllowance {
    func settle(_ exchange: Exchange, _ usage: ModelUsage?, isOurs: Bool) {
        guard !hasEnded else { return }
        hasEnded = true
        quotas.words.leave(slot, isCounted: isCounted, worker: quotas.worker)
        settle(.inferenceADay, at: hasAsked ? 1 : 0)
        let received = isBodyRefused ? min(Int64(exchange.receivedBytes), body) : Int64(exchange.receivedBytes)
        settle(.bytesADay, at: received + (content == nil ? 0 : Int64(exchange.sentBytes)))
        if let usage, usage.isReported {
            settle(.tokensADay, at: usage.total)
        } else if !hasAsked || !isOurs && exchange.status?.code ?? 0 >= 400 {
            // A request that the router refuses costs nothing. Otherwise what was taken is spent, since the real cost is not known.
            settle(.tokensADay, at: 0)
        }
    }

    private func settle(_ kind: KeyLimit, at total: Int64) {
        let tally = tallies[Int(kind.rawValue)]
        let spent = max(0, total - tally.before)
        guard limits[kind] != nil, tally.day > 0, spent != tally.amount else { return }
        quotas.words.change(by: spent - tally.amount, of: kind, slot, day: tally.day)
    }
}
