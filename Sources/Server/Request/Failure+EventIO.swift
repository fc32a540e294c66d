import EventIO
import HTTP
import Hub

/// The one place where errors of EventIO become failures of the gateway.
extension Failure {
    init(_ error: RequestError) {
        self =
            switch error {
            case .refused(let status, let rule, let reason): Failure(.refused(status, rule: rule), detail: reason)
            case .malformed(let reason): .badRequest(reason)
            case .tooLarge(let limit): .payloadTooLarge(limit: limit)
            case .noMemory: .tooBusy("memory for request bodies")
            case .tooSlow: .bodyTooSlow
            case .clientGone: .clientGone
            }
    }

    init(_ error: TransferError) {
        self =
            switch error {
            case .unreachable(let reason): .hubUnreachable(reason)
            case .proxy(let fault, let reason): .hubUnreachable(reason, fault.advice)
            case .tooSlow(let reason): .hubTooSlow(reason)
            case .broken(let reason): .hubBroken(reason)
            case .cancelled: .clientGone
            case .closing: .draining()
            }
    }
}

extension TransferError.ProxyFault {
    /// What the client can do about it.
    fileprivate var advice: String {
        switch self {
        case .unreachable: "The operator of this gateway has to look at upstream_proxy, or at the proxy."
        case .credentials:
            "The operator of this gateway has to give upstream_proxy a user and a password that the proxy takes."
        case .refused:
            "The operator of the proxy has to let this gateway through to that host; or no_proxy has to name it, where it can be reached directly."
        case .failed:
            "Try again later; if it stays so, the operator of this gateway has to look at upstream_proxy and at the proxy's log."
        }
    }
}

extension Exchange {
    /// Answers with a failure, as far as that is still possible.
    func fail(_ failure: Failure, _ context: RequestContext) {
        let failure =
            context.isOverdue ? .overdue : context.makesWay ? .madeWay : context.isRevoked ? .ended : failure
        context.failure = failure
        guard canAnswer, failure.kind != .clientGone else {
            // The head has promised success: breaking the connection is the only honest end.
            return abort()
        }
        var response = failure.response(to: request, id: context.id)
        context.crossOrigin?.admit(&response.headers)
        send(response)
    }

    /// `body(within:)`, with the gateway's error.
    func wholeBody(within bounds: BodyBounds) async throws(Failure) -> [UInt8] {
        do throws(RequestError) {
            return try await body(within: bounds)
        } catch {
            throw Failure(error)
        }
    }
}

extension Transfer {
    /// `done()`, with the gateway's error.
    func responseEnd() async throws(Failure) {
        do throws(TransferError) {
            try await done()
        } catch {
            throw Failure(error)
        }
    }
}

extension Exchange.IDField {
    /// For a response of our own.
    static func own(_ id: RequestID) -> Self { Self(name: "X-Request-Id", id: id) }
    /// The Hub's request id keeps the usual field; ours leads to the log's line.
    static func beside(_ id: RequestID) -> Self { Self(name: "X-Hubgate-Request-Id", id: id) }
}

extension Failure {
    /// `limit` is in bytes.
    static func payloadTooLarge(limit: Int) -> Failure {
        Failure(
            .payloadTooLarge, detail: "The body is larger than the \(limit) bytes that are accepted here (body_limit).")
    }

    /// A body that is collected whole did not arrive in time (RFC 9110 section 15.5.9).
    static var bodyTooSlow: Failure {
        Failure(
            .refused(.requestTimeout, rule: "body-too-slow"),
            detail: "The request's body did not arrive in time. Send it without pauses.")
    }

    /// `retryAfter` in seconds.
    static func draining(retryAfter: Int = 1) -> Failure {
        Failure(
            .draining, detail: "This gateway is shutting down. Try again in \(retryAfter) s.", retryAfter: retryAfter)
    }

    /// A request with its whole response took longer than `request_timeout`.
    static var overdue: Failure {
        Failure(
            .hubTooSlow,
            detail:
                "The request took longer than this gateway allows (request_timeout). Ask for less at once, or later.")
    }

    /// An administrator has ended a request.
    static var ended: Failure {
        Failure(
            .denied, detail: "An administrator of this gateway ended this request. Ask them before you send it again."
        )
    }

    /// A request whose body did not go on was ended to make room for others.
    static var madeWay: Failure {
        Failure(
            .tooBusy,
            detail:
                "This gateway is busy, and the request stood still for longest: it made way for others. Send it again, its body without pauses.",
            retryAfter: 1)
    }
}
