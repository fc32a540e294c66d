import EventIO
import Hub

/// The parts of the cache of small responses that all workers share. Their parent makes it before it forks them.
struct SharedMetadata: Sendable {
    let responses: SharedResponses
    let claims = CallClaims()

    /// `bytes`: for responses.
    init(bytes: Int) {
        responses = SharedResponses(bytes: bytes)
    }
}

/// Calls of other workers that requests of this one wait for. While a request waits, it is checked every few milliseconds whether they have ended.
@EventLoop
final class WorkerCalls {
    /// Between two checks, in milliseconds.
    private static let pause: UInt64 = 3
    /// So many waiters are called in a turn of the loop: each may be answered with a large response.
    private static let toldInATurn = 8

    /// This worker's claim of a call. It is released when the call ends, or when other workers need not wait for it any more.
    final class Own: Sendable {
        private let claims: CallClaims
        private let claim: CallClaims.Claim

        fileprivate init(_ claims: CallClaims, _ claim: CallClaims.Claim) {
            (self.claims, self.claim) = (claims, claim)
        }

        deinit { claims.release(claim) }
    }

    enum Answer {
        case own(Own)
        /// Another worker makes it: `wait` for its end.
        case others(CallClaims.Claim)
        case unclaimed
    }

    private struct Waiter {
        let began: MonotonicInstant
        let then: @EventLoop () -> Void
    }

    private let claims: CallClaims
    private let worker: Int
    /// The longest wait, in milliseconds: a HEAD of huggingface_hub gives up after 10 s.
    private let longest: UInt64
    private var waiting: [CallClaims.Claim: [ObjectIdentifier: Waiter]] = [:]
    private lazy var timer = Timer { [weak self] in self?.look() }

    init(_ claims: CallClaims, worker: Int, longest: UInt64 = 8_000) {
        (self.claims, self.worker, self.longest) = (claims, worker, longest)
    }

    /// Claims the call for this worker, unless another one makes it.
    func claim(_ call: CacheWrite) -> Answer {
        guard let digest = call.callDigest else { return .unclaimed }
        switch claims.claim(digest, worker: worker) {
        case .own(let claim): return .own(Own(claims, claim))
        case .others(let claim): return .others(claim)
        case .unclaimed: return .unclaimed
        }
    }

    /// Calls `then` later, outside of any callback of C: when the call has ended, when it takes too long, or when the request is cancelled.
    func wait(_ claim: CallClaims.Claim, _ context: RequestContext, then: @escaping @EventLoop () -> Void) {
        let waiter = ObjectIdentifier(context)
        if waiting.isEmpty { timer.start(milliseconds: Self.pause) }
        waiting[claim, default: [:]][waiter] = Waiter(began: .now) {
            context.onCancel = nil
            then()
        }
        context.onCancel = { [weak self] in
            guard let left = self?.waiting[claim]?.removeValue(forKey: waiter) else { return }
            EventLoop.post { left.then() }
        }
    }

    private func look() {
        let now = MonotonicInstant.now
        for (claim, waiters) in waiting {
            guard claims.isHeld(claim, at: now) else {
                waiting[claim] = nil
                Self.tell(Array(waiters.values)[...])
                continue
            }
            let late = waiters.filter { now.milliseconds(since: $0.value.began) >= longest }
            for waiter in late.keys { waiting[claim]?[waiter] = nil }
            if waiting[claim]?.isEmpty == true { waiting[claim] = nil }
            Self.tell(Array(late.values)[...])
        }
        if !waiting.isEmpty { timer.start(milliseconds: Self.pause) }
    }

    private static func tell(_ waiters: ArraySlice<Waiter>) {
        guard !waiters.isEmpty else { return }
        EventLoop.post {
            for waiter in waiters.prefix(toldInATurn) { waiter.then() }
            tell(waiters.dropFirst(toldInATurn))
        }
    }
}
