import EventIO
import HTTP
import Hub

/// Makes one call to the Hub of identical ones that are made at the same moment: a thousand jobs that start together ask for the same
/// revision a thousand times. Nothing is kept once it is answered.
@EventLoop
final class RequestCoalescer {
    /// After so many leaders who left, whoever still waits makes a call of their own.
    private static let mostAbandoned = 2

    private let access: Access
    private var underWay: [CoalescingKey: InFlightCall] = [:]

    init(access: Access) {
        self.access = access
    }

    /// Answers `exchange` by `call`, or with what another is answered who asks the same now.
    func serve(
        _ exchange: Exchange, _ context: RequestContext, by call: @EventLoop () async throws(Failure) -> Void
    ) async throws(Failure) {
        var request = exchange.request
        request.target = context.target
        let forwarded = context.caller.forwardedOrigin
        guard let key = CoalescingKey(request, hasBody: exchange.hasBody, access: access, forwarded: forwarded) else {
            return try await call()
        }
        var losses = 0
        while let inFlight = underWay[key] {
            switch try await inFlight.wait(context) {
            case .answered(let answer):
                context.isShared = true
                context.hubRequestID = answer.headers["X-Request-Id"]
                return exchange.send(answer, id: .beside(context.id))
            case .failed(let failure): throw failure
            case .unshared: return try await call()
            case .abandoned:
                losses += 1
                // Else clients that ask and leave, over and over, could hold up others for as long as they like.
                if losses == Self.mostAbandoned { return try await call() }
            }
        }
        let inFlight = lead(key, exchange)
        do throws(Failure) {
            try await call()
        } catch {
            end(inFlight, exchange, error)
            throw error
        }
        end(inFlight, exchange)
    }

    /// How a request is answered.
    enum Role {
        /// By a call of its own.
        case alone
        /// By a call that others may share: `end` has to be told of its end.
        case leading(InFlightCall)
        /// With what another is answered: `serve` waits for that.
        case behind
    }

    /// Decides about a request for which nothing has been done yet.
    func role(of exchange: Exchange, _ context: RequestContext) -> Role {
        let key = CoalescingKey(
            exchange.request, to: context.target, hasBody: exchange.hasBody, access: access,
            forwarded: context.caller.forwardedOrigin)
        guard let key else { return .alone }
        return underWay[key] == nil ? .leading(lead(key, exchange)) : .behind
    }

    private func lead(_ key: CoalescingKey, _ exchange: Exchange) -> InFlightCall {
        let inFlight = InFlightCall(key)
        underWay[key] = inFlight
        exchange.copy = ResponseRecorder { [self] _, headers in
            // Who asks from here on asks anew, unless there are copies to be made anyway.
            guard inFlight.hasWaiters else {
                close(inFlight, .unshared)
                return false
            }
            return !headers.isEventStream
        } ends: { [self] answer in
            close(inFlight, answer.map { .answered($0) } ?? .unshared)
        }
        return inFlight
    }

    /// The call of `inFlight` has ended. Without a response to share, and without a `failure`, each makes a call of their own.
    func end(_ inFlight: InFlightCall, _ exchange: Exchange, _ failure: Failure? = nil) {
        exchange.copy = nil
        if exchange.isGone || failure?.kind == .clientGone {
            close(inFlight, .abandoned)
        } else {
            close(inFlight, failure.map { .failed($0) } ?? .unshared)
        }
    }

    /// Only the first outcome counts, and it takes the call out of those under way.
    private func close(_ inFlight: InFlightCall, _ outcome: InFlightCall.Outcome) {
        guard !inFlight.hasOutcome else { return }
        underWay[inFlight.key] = nil
        inFlight.finish(outcome)
    }
}

extension Headers {
    fileprivate var isEventStream: Bool { self["Content-Type"]?.hasPrefix("text/event-stream") ?? false }
}

/// One call to the Hub under way, and those who wait for its response while the first who asked is being answered.
@EventLoop
final class InFlightCall {
    /// How it went, for those who waited.
    enum Outcome: Sendable {
        /// With a response that all may have.
        case answered(RecordedResponse)
        /// Without one: all are told the same.
        case failed(Failure)
        /// The first client left and took the call along: one of those who waited makes it anew.
        case abandoned
        /// The response is not for sharing: each makes a call of their own.
        case unshared
    }

    private var waiting: [ObjectIdentifier: CheckedContinuation<Outcome, Never>] = [:]
    private var outcome: Outcome?
    let key: CoalescingKey

    init(_ key: CoalescingKey) {
        self.key = key
    }

    var hasWaiters: Bool { !waiting.isEmpty }
    var hasOutcome: Bool { outcome != nil }

    /// Waits for the end. Throws `clientGone` when the waiting task is cancelled.
    func wait(_ context: RequestContext) async throws(Failure) -> Outcome {
        if let outcome { return outcome }
        let key = ObjectIdentifier(context)
        let reached: Outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                // Both looked at again: see `Transfer.headOrEnd()`; and of a task that was cancelled before, no handler comes.
                if let outcome {
                    waiter.resume(returning: outcome)
                } else if Task.isCancelled {
                    waiter.resume(returning: .failed(.clientGone))
                } else {
                    waiting[key] = waiter
                }
            }
        } onCancel: {
            EventLoop.assumeIsolated { self.waiting.removeValue(forKey: key)?.resume(returning: .failed(.clientGone)) }
        }
        if case .failed(let failure) = reached { throw failure }
        return reached
    }

    /// Tells all who wait. Only the first outcome counts.
    func finish(_ outcome: Outcome) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        for waiter in waiting.values { waiter.resume(returning: outcome) }
        waiting = [:]
    }
}
