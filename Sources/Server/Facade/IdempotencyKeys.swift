import EventIO
import HTTP
import Hub

/// Carries out a request with an `Idempotency-Key` once, whichever workers it comes to, and gives the same response to each repetition.
///
/// The claim is on the disk before the Hub is asked. A worker that dies in between leaves a claim without a response; the request is not repeated.
@EventLoop
struct IdempotencyKeys {
    let state: StateClient
    let drainState: DrainState

    private static let claims = 3

    /// `act` is not cancelled when the client leaves: its response is kept for repetitions. Throws what `act` throws, or why the request is not carried
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

    /// Two requests with the same content are the same request.
    private static func content(_ request: Request, _ target: Target, _ body: [UInt8]) -> [UInt8] {
        Array("\(request.method) \(target.pathAndQuery)\n".utf8) + body
    }

    /// The state process may die before it answers: then the same claim is made again.
    private func answer(to claim: IdempotencyClaim) async throws(Failure) -> IdempotencyAnswer {
        for _ in 0..<Self.claims {
            let result = await withCheckedContinuation { continuation in
                state.ask(claim.record) { continuation.resume(returning: $0) }
            }
            if case .success(let bytes) = result, let answer = IdempotencyAnswer(bytes) { return answer }
        }
        // The claim may have been granted after all.
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
            // The client may have left long ago.
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

    /// A full disk may have room again later. The client does not wait for that: repetitions meanwhile are told that the request still runs.
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
    /// What is known of the effect of a call that has failed.
    enum Effect {
        /// Certainly none, and a repetition may succeed.
        case none
        /// The Hub's final answer.
        case final
        case unknown
    }

    var effect: Effect {
        switch kind {
        case .hubAnswered(let refusal):
            switch refusal.status.code {
            // Redirects are not followed; 401 is about the token and not about the request.
            case 300..<400, 401, 425, 429: .none
            case 408: .unknown
            case 400..<500: .final
            case 503 where refusal.headers.contains("Retry-After"): .none
            default: .unknown
            }
        // The call was never sent.
        case .hubUnreachable, .noToken, .tooBusy, .budgetSpent, .declined, .unidentified, .denied: .none
        default: .unknown
        }
    }

    /// There is no state to keep the keys in.
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
