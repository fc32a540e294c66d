import EventIO
import HTTP
import Hub

/// Spends the Hub's budgets for all clients that share a credential: learns from each response what is left, lets calls go at once while much is, gives them turns
/// when it gets short, and asks again where the Hub has refused for want of budget. As long as the Hub tells of no budget it does nothing.
///
/// Each worker has one; what they know is in memory that they share (`BudgetLedger`).
@EventLoop
final class RateBroker {
    /// A HEAD of huggingface_hub gives up after 10 s, and does not come again.
    private static let hastyMilliseconds = 8_000
    private static let mostDigests = 1_024

    let ledger: BudgetLedger
    /// In milliseconds, for calls from now on; 0: none waits.
    private var patience: Int
    /// Finds the name of the key that has spent most; nil where there are no keys.
    private let keys: KeyStore?
    private var digests: [Credential: UInt64] = [:]
    var queues: [Int: BudgetQueue] = [:]
    var waiting: [Int: Waiter] = [:]
    var lastID = 0
    var looksSoon = false
    lazy var timer = Timer { [weak self] in self?.look() }
    var counts = Counts()

    struct Counts {
        /// Calls that waited: those that then went, those that were refused, and those whose clients left.
        var (given, refused, left) = (0, 0, 0)
        /// 429s of the Hub: retried, and passed on to the client.
        var (retried, passed) = (0, 0)
        /// Calls that waited, and then were not refused by the Hub.
        var avoided = 0
    }

    struct Waiter {
        let use: BudgetUse
        let context: RequestContext
        let base: Int
        let began: MonotonicInstant
        let then: @EventLoop @Sendable (Failure?) -> Void
    }

    init(_ ledger: BudgetLedger, patience: Duration, keys: KeyStore?) {
        self.ledger = ledger
        self.patience = Int(patience.milliseconds)
        self.keys = keys
    }

    /// Calls that wait already keep their deadline.
    func use(patience: Duration) { self.patience = Int(patience.milliseconds) }

    static var now: Int { MonotonicInstant.now.microseconds }

    /// What there is to be done for a request's calls to the Hub; nil: nothing, as no budget is known.
    func use(
        _ credential: Credential?, _ target: Target, _ method: Method, _ context: RequestContext,
        isBackground: Bool = false
    ) -> BudgetUse? {
        guard ledger.isUsed else { return nil }
        return make(credential, target, method, context, isBackground: isBackground)
    }

    private func make(
        _ credential: Credential?, _ target: Target, _ method: Method, _ context: RequestContext,
        isBackground: Bool = false
    ) -> BudgetUse? {
        let now = Self.now
        guard patience > 0, let account = ledger.account(digest(of: credential), at: now) else { return nil }
        let path = HubPathClass(target)
        let most = method == .head ? min(patience, Self.hastyMilliseconds) : patience
        return BudgetUse(
            account, path, ledger.bucket(account, of: path), BudgetShare(context), method,
            isBackground: isBackground, due: now + most * 1000)
    }

    /// The same in each worker. Never 0.
    func digest(of credential: Credential?) -> UInt64 {
        guard let credential else { return 1 }
        if let known = digests[credential] { return known }
        let digest = SecretDigest.sha256(Array(credential.reveal().utf8).span).0 | 2
        if digests.count >= Self.mostDigests { digests = [:] }
        digests[credential] = digest
        return digest
    }

    enum Answer {
        case goes
        /// It has to `wait`.
        case waits
        case refused(Failure)
    }

    /// Whether a call of it may go now.
    func ask(_ use: BudgetUse, _ context: RequestContext) -> Answer {
        guard ledger.isCurrent(use.account) else { return .goes }
        let now = Self.now
        use.bucket = ledger.bucket(use.account, of: use.path)
        let window = ledger.window(use.account, use.bucket)
        if use.from > now { return .waits }
        guard let view = window.look(at: now) else { return .goes }
        if !use.isBackground { window.noteDemand(view) }
        if window.isShort(view, at: now) || queues[window.base] != nil {
            if use.isBackground { return .refused(refusal(use, context)) }
            // Its turn comes after its deadline.
            if view.left == 0, view.end > use.due / 1000 {
                counts.refused += 1
                return .refused(refusal(use, context))
            }
            return .waits
        }
        if use.isBackground, view.left * 10 < view.quota { return .refused(refusal(use, context)) }
        use.ticket = window.take(view, for: use.share, at: now)
        return use.ticket == nil ? .waits : .goes
    }

    /// Whether nothing is left for it.
    func isSpent(_ use: BudgetUse) -> Bool {
        ledger.window(use.account, use.bucket).look(at: Self.now).map { $0.left == 0 } ?? false
    }

    /// The call was not made, though it might have been.
    func notMade(_ use: BudgetUse) {
        guard let ticket = use.ticket, ledger.isCurrent(use.account) else { return }
        use.ticket = nil
        ledger.window(use.account, use.bucket).giveBack(ticket)
        lookSoon(ledger.window(use.account, use.bucket).base)
    }

    /// It has ended without an answer.
    func unanswered(_ use: BudgetUse) {
        guard let ticket = use.ticket, ledger.isCurrent(use.account) else { return }
        use.ticket = nil
        ledger.window(use.account, use.bucket).lost(ticket)
    }
}

// MARK: answers

extension RateBroker {
    /// A call as its answer finds it.
    struct Answered {
        let credential: Credential?
        let target: Target
        let method: Method
        /// It has a body, which may not be there a second time.
        let hasBody: Bool
    }

    /// Takes up what the Hub's response says. True: the Hub has refused the call for now, and it is to be made again, when `use` says.
    func answered(
        _ use: inout BudgetUse?, _ call: Answered, _ status: Status, _ headers: Headers, _ context: RequestContext
    ) -> Bool {
        guard patience > 0 else { return false }
        let report = RateLimitReport(headers)
        let isRefusal = status == .tooManyRequests
        guard use != nil || report != nil || isRefusal else { return false }
        if report != nil { ledger.use() }
        let isNew = use == nil
        if use == nil { use = make(call.credential, call.target, call.method, context) }
        guard let use else { return false }
        let retryAfter = RateLimitReport.retryAfter(headers)
        if ledger.isCurrent(use.account) {
            learn(report, use, isSpent: isRefusal && report?.left == 0, retryAfter, status)
        }
        guard isRefusal else {
            if use.hasWaited, !isNew { counts.avoided += 1 }
            return false
        }
        let window = report.flatMap { $0.left == 0 ? $0.seconds : nil }
        return asksAgain(use, call, after: [window, retryAfter].compactMap(\.self).max())
    }

    private func learn(
        _ report: RateLimitReport?, _ use: BudgetUse, isSpent: Bool, _ retryAfter: Int?, _ status: Status
    ) {
        let now = Self.now
        let window = ledger.window(use.account, use.bucket)
        let ticket = use.ticket
        use.ticket = nil
        guard let report else {
            // A server in front of the Hub may have answered in its place.
            if status.code < 400 { window.missed(ticket, at: now) } else if let ticket { window.lost(ticket) }
            return lookSoon(window.base)
        }
        ledger.name(report.bucket, for: use.path, of: use.account)
        guard report.bucket != use.bucket else {
            window.learn(report, ticket, isSpent: isSpent, retryAfter: retryAfter, at: now)
            return lookSoon(window.base)
        }
        if let ticket { window.giveBack(ticket) }
        lookSoon(window.base)
        let other = ledger.window(use.account, report.bucket)
        other.learn(report, nil, isSpent: isSpent, retryAfter: retryAfter, at: now)
        lookSoon(other.base)
    }

    /// `seconds`: nil where the Hub has not said when.
    private func asksAgain(_ use: BudgetUse, _ call: Answered, after seconds: Int?) -> Bool {
        let from = seconds.map { Self.now + max($0, 1) * 1_000_000 } ?? .max
        guard !use.isAskedAgain, call.method.isSafe, !call.hasBody, !use.isBackground, from <= use.due else {
            counts.passed += 1
            return false
        }
        counts.retried += 1
        use.isAskedAgain = true
        use.from = from
        return true
    }

    /// The 429 that a client gets in the place of a call.
    func refusal(_ use: BudgetUse, _ context: RequestContext) -> Failure {
        let now = Self.now
        let window = ledger.window(use.account, use.bucket)
        guard let view = window.look(at: now) else {
            return .budgetSpent(use.bucket, seconds: max(1, (use.from - now) / 1_000_000), nil)
        }
        let weights = window.weights(with: use.share, of: view.number)
        let seconds = max(1, (view.rest(at: now) + 999) / 1000)
        let greatest = window.greatest(of: view.number)
        // Only clients that have a key are told the name of a key.
        let name = context.principal.key == nil ? nil : keys?.identity(greatest.key)?.name
        return .budgetSpent(
            use.bucket, seconds: seconds,
            BudgetSpending(
                quota: view.quota, window: max(1, view.length / 1000),
                share: max(1, view.quota * use.share.weight / weights),
                greatest: name.map { (name: $0, spent: greatest.spent) }))
    }
}
