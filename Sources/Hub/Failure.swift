package import HTTP

/// Why a request failed: the one error type, thrown typed everywhere.
/// Its mapping to a status, headers and JSON lives in the Server target.
package struct Failure: Error, Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// The request is malformed: syntax, JSON, a field, a name.
        case badRequest
        /// The request breaks HTTP itself; `rule` is the short name of what it breaks. The connection closes after the response.
        case refused(Status, rule: String)
        case notFound
        /// `allow` is what the Allow field must list (RFC 9110 section 15.5.6).
        case methodNotAllowed(allow: [Method])
        case payloadTooLarge
        case unsupportedMediaType

        /// The caller shows no valid credential of this gateway; `code` is a word for why.
        case unidentified(code: String)
        /// The gateway should lend its token and has none.
        case noToken
        /// The caller is known and may not do this.
        case denied
        /// The gateway refuses this request by a rule of its own.
        case declined(Decline)
        /// A signed URL is forged, changed, expired, or leads to a host that this gateway does not call.
        case signedURLRefused
        /// The Hub refused.
        case hubAnswered(HubRefusal)
        /// No connection: name, TCP or TLS failed.
        case hubUnreachable
        case hubTooSlow
        /// The Hub broke HTTP or its own contract, or its response was cut off.
        case hubBroken
        /// The caller hung up: no client reads the response.
        case clientGone
        case tooBusy
        /// The caller has used up its requests for this period.
        case tooManyRequests(limit: UInt64, seconds: UInt64)
        /// The Hub would refuse it for now, and is not called. `limit` is the caller's part of the bucket, in a window of `seconds`.
        case budgetSpent(bucket: String, limit: Int, seconds: Int)
        /// The caller has used up what it may use at once, or in a day.
        case limitReached
        /// The intent cannot be written to the audit first, so nothing is done.
        case auditUnavailable
        case draining
        case notReady
        /// A bug or a broken machine.
        case internalError
    }

    package let kind: Kind
    /// What is wrong, in whole sentences; where a server failed, without its name.
    private let text: String
    /// The server at fault, where a call to another server failed.
    private var server: UpstreamServer?
    private var advice: Advice?
    /// Seconds after which trying again makes sense; nil when unknown or pointless.
    package let retryAfter: Int?

    package init(_ kind: Kind, detail: String, retryAfter: Int? = nil) {
        self.kind = kind
        text = detail
        self.retryAfter = retryAfter
    }

    /// How a call failed. `text` follows the server's name: " cannot be reached."
    init(_ kind: Kind, _ text: String, _ advice: Advice, retryAfter: Int? = nil) {
        self.kind = kind
        self.text = text
        server = .hub
        self.advice = advice
        self.retryAfter = retryAfter
    }

    /// One or more sentences for the client: what is wrong and what to do. Never contains a token.
    package var detail: String {
        guard let server else { return text }
        return "\(server.name)\(text) \(advice?.sentence ?? "")"
    }

    /// The same, where a call to `server` failed.
    package func at(_ server: UpstreamServer) -> Failure {
        guard self.server != nil else { return self }
        var failure = self
        failure.server = server
        return failure
    }

    /// A write without a response may have been carried out: the advice "try again" would mean "do it twice".
    package func advised(for method: Method) -> Failure {
        guard !method.isSafe, advice == .tryLater, kind == .hubTooSlow || kind == .hubBroken else { return self }
        var failure = self
        failure.advice = .lookFirst
        return failure
    }
}

/// Which rule of the gateway's own a request breaks.
package enum Decline: Sendable, Equatable {
    case confirmationRequired, deleteUnderWay, idempotencyKeyReused, idempotencyKeyInUse, idempotencyUnsupported,
        outcomeUnknown
    /// A record that has to be on the disk first cannot be written.
    case stateUnavailable
    /// A key of that name exists, or is revoked.
    case keyConflict
}

/// The servers that are called for clients.
package enum UpstreamServer: Sendable, Equatable {
    case hub, inferenceRouter
    /// A host where the Hub keeps the bytes of files.
    case store

    var name: String {
        switch self {
        case .hub: "The Hub"
        case .inferenceRouter: "The inference router"
        case .store: "The store of the Hub's files"
        }
    }
}

/// What a client, or the operator, can do about a call that failed.
enum Advice: Sendable, Equatable {
    case tryLater, lookFirst, mendTrust
    /// A sentence.
    case other(String)

    var sentence: String {
        switch self {
        case .tryLater: "Try again later."
        case .lookFirst: "Check whether it was carried out before you send it again."
        case .other(let sentence): sentence
        case .mendTrust:
            "The operator of this gateway has to look at upstream and ca_file, or at the Hub's certificate."
        }
    }
}

extension Failure: CustomStringConvertible {
    package var description: String { detail }
}
