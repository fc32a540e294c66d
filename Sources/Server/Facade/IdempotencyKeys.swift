import EventIO
import HTTP
import Hub

/// Carries a request with an `Idempotency-Key` out once, whichever workers it comes to, and gives the same response to each repetition.
///
/// The claim is on the disk before the Hub is asked. A worker that dies in between leaves a claim without a response; the request is not repeated.
@EventLoop
struct IdempotencyKeys {
    let state: StateClient
    let drainState: DrainState

    private static let claims = 3

    /// `act` is not cancelled when the client leaves: its response is kept for who asks again. Throws what `act` throws, and why the request is not carried
    /// out.
    func once(
        _ key: IdempotencyKey, _ request: Request, _ body: [UInt8], _ context: RequestContext,
        _ act: @escaping @EventLoop @Sendable (RequestContext) async throws(Failure) -> Response
    ) async throws(Failure) -> Response {
        guard let owner = context.principal.key?.publicID else { throw .noIdempotency }
        let claim = IdempotencyClaim(owner: owner, key: key.text, content: Self.content(request, context.target, body))
        switch try await answer(to: claim) {
        case .granted: break
        case .answered(let response):
            try context.confirmKey()
            return response.replayed
        case .otherRequest: throw .otherRequest
        case .running: throw .stillRunning
        case .unknown: throw .outcomeUnknown(request.method)
        case .full: throw .tooBusy("room for Idempotency-Key", retryAfter: 60)
        }
        guard !context.isCancelled else {
            state.append(IdempotencyEnd(claim, .released).record)
            throw .clientGone
        }
        return try await perform(claim, request, context, act)
    }

    /// What makes two requests the same one.
    private static func content(_ request: Request, _ target: Target, _ body: [UInt8]) -> [UInt8] {
        Array("\(request.method) \(target.pathAndQuery)\n".utf8) + body
    }

    /// The state process may die with the answer: the same claim is asked for again then.
    private func answer(to claim: IdempotencyClaim) async throws(Failure) -> IdempotencyAnswer {
        for _ in 0..<Self.claims {
            let result = await withCheckedContinuation { continuation in
                state.ask(claim.record) { continuation.resume(returning: $0) }
            }
            if case .success(let bytes) = result, let answer = IdempotencyAnswer(bytes) { return answer }
        }
        // In case that it was granted after all.
        state.append(IdempotencyEnd(claim, .released).record)
        throw .stateUnavailable
    }

    private func perform(
        _ claim: IdempotencyClaim, _ request: Request, _ context: RequestContext,
        _ act: @escaping @EventLoop @Sendable (RequestContext) async throws(Failure) -> Response
    ) async throws(Failure) -> Response {
        let own = RequestContext(outliving: context)
        own.principal = context.principal
        own.audits(with: context)
        own.watchKey(of: context)
        let change = context.change
        let awaited = Awaited<Result<Response, Failure>>()
        EventLoop.task {
            let result: Result<Response, Failure>
            do throws(Failure) {
                result = .success(try await act(own))
            } catch {
                result = .failure(error)
            }
            // The client may have left long before.
            change?.apply()
            let end = IdempotencyEnd(claim, Self.outcome(result, request, context.id))
            self.note(end, tries: 0) { awaited.settle(result) }
        }
        defer {
            context.hubRequestID = own.hubRequestID
            context.upstreamMicroseconds = own.upstreamMicroseconds
        }
        guard let result = await awaited.value() else {
            // A gateway that stops waits for it all the same.
            drainState.began()
            awaited.whenSettled { [drainState] in drainState.ended() }
            throw .clientGone
        }
        return try result.get()
    }

    private static let longestTries = 60
    private static let retryMilliseconds: UInt64 = 1000

    /// A full disk may have room again. The client is not kept waiting for that: who repeats the request meanwhile is told that it still runs.
    private func note(_ end: IdempotencyEnd, tries: Int, _ done: @escaping @EventLoop () -> Void) {
        state.append(end.record) { result in
            if tries == 0 { done() }
            guard case .failure = result, tries < Self.longestTries else { return }
            EventLoop.task {
                await EventLoop.sleep(milliseconds: Self.retryMilliseconds)
                self.note(end, tries: tries + 1, done)
            }
        }
    }

    private static func outcome(
        _ result: Result<Response, Failure>, _ request: Request, _ id: RequestID
    ) -> IdempotencyEnd.Outcome {
        switch result {
        case .success(let response): return .answered(KeptResponse(response))
        case .failure(let failure):
            switch failure.effect {
            case .none: return .released
            case .unknown: return .unknown
            case .final: return .answered(KeptResponse(failure.response(to: request, id: id)))
            }
        }
    }
}

extension Failure {
    /// What is known of a call that may act and failed so.
    enum Effect {
        /// For certain nothing was done, and a repetition may succeed.
        case none
        /// The Hub's last word on it.
        case final
        case unknown
    }

    var effect: Effect {
        switch kind {
        case .hubAnswered(let refusal):
            switch refusal.status.code {
            // A redirect was not followed; 401 speaks of the token and not of the request.
            case 300..<400, 401, 425, 429: .none
            case 408: .unknown
            case 400..<500: .final
            case 503 where refusal.headers.contains("Retry-After"): .none
            default: .unknown
            }
        // No connection was there to send it on, or the gateway would not.
        case .hubUnreachable, .noToken, .tooBusy, .budgetSpent, .declined, .unidentified, .denied: .none
        default: .unknown
        }
    }

    /// There is no state to keep keys in.
    static var noIdempotency: Failure {
        Failure(
            .declined(.idempotencyUnsupported),
            detail:
                "This gateway keeps no state (access is not keys), so it cannot tell a repetition from a new request. Nothing was done. Send it without \(IdempotencyKey.field)."
        )
    }

    fileprivate static var otherRequest: Failure {
        Failure(
            .declined(.idempotencyKeyReused),
            detail:
                "This \(IdempotencyKey.field) was sent with another method, path or body before. Nothing was done. Take a new key for a new request."
        )
    }

    fileprivate static var stillRunning: Failure {
        Failure(
            .declined(.idempotencyKeyInUse),
            detail:
                "The first request with this \(IdempotencyKey.field) is still under way. Ask again in a second for its response.",
            retryAfter: 1)
    }

    fileprivate static func outcomeUnknown(_ method: Method) -> Failure {
        let look =
            switch method {
            case .post: "whether the repository is there"
            case .delete: "whether the repository is gone"
            default: "whether the repository has changed"
            }
        return Failure(
            .declined(.outcomeUnknown),
            detail:
                "The outcome of the first request with this \(IdempotencyKey.field) is not known, and it is not carried out again: look \(look) before you try with another key."
        )
    }

    fileprivate static var stateUnavailable: Failure {
        Failure(
            .declined(.stateUnavailable),
            detail:
                "The gateway's state cannot be written, so it cannot promise to do this once. Nothing was done. Try again, or send it without \(IdempotencyKey.field).",
            retryAfter: 2)
    }
}
