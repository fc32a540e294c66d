import EventIO
import HTTP
import Hub

/// The one place where what befell a connection or a call becomes a failure of the gateway.
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
    /// What whoever reads the error does about it.
    fileprivate var advice: String {
        switch self {
        case .unreachable: "Whoever runs this gateway has to look at upstream_proxy, or at the proxy."
        case .credentials:
            "Whoever runs this gateway has to give upstream_proxy a user and a password that the proxy takes."
        case .refused:
            "Whoever runs the proxy has to let this gateway through to that host; or no_proxy has to name it, where it can be reached directly."
        case .failed:
            "Try again later; if it stays so, whoever runs this gateway has to look at upstream_proxy and at the proxy's log."
        }
    }
}

extension Exchange {
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
    /// `head()`, with the gateway's error.
    func responseHead() async throws(Failure) -> Head {
        do throws(TransferError) {
            return try await head()
        } catch {
            throw Failure(error)
        }
    }

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
    /// Of a response that is all our own.
    static func own(_ id: RequestID) -> Self { Self(name: "X-Request-Id", id: id) }
    /// The Hub's own request id keeps the usual field; ours is how the log's line is found.
    static func beside(_ id: RequestID) -> Self { Self(name: "X-Hubgate-Request-Id", id: id) }
}
