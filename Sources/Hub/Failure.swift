/// Why a request was not answered as asked: the one error type, thrown typed everywhere.
/// Its mapping to a status, headers and JSON lives in the Server target.
public struct Failure: Error, Sendable, Equatable {
    /// Whose fault it is: it decides the class of the status, the log level and which counter goes up.
    public enum Fault: String, Sendable {
        case client, hub, gateway
    }

    public enum Kind: Sendable, Equatable {
        /// The request is malformed: syntax, JSON, a field, a name.
        case badRequest
        /// The request breaks HTTP itself; `rule` is the short name of what it breaks. The connection closes after the answer.
        case refused(Status, rule: String)
        case notFound
        /// `allow` is what the Allow field must list (RFC 9110 section 15.5.6).
        case methodNotAllowed(allow: [Method])
        case payloadTooLarge
        case unsupportedMediaType
        case expectationFailed
        /// The gateway should lend its token and has none.
        case noToken
        /// The caller is known and may not do this.
        case denied
        /// A sealed URL is forged, changed, expired, or leads where this gateway does not go.
        case sealRefused
        /// The Hub said no.
        case hubAnswered(HubRefusal)
        /// No connection: name, TCP or TLS failed.
        case hubUnreachable
        case hubTooSlow
        /// The Hub broke HTTP or its own contract, or its answer was cut off.
        case hubBroken
        /// The caller hung up: nobody is left to read an answer.
        case clientGone
        case tooBusy
        case draining
        case notReady
        /// A bug or a broken machine.
        case internalError
    }

    public let kind: Kind
    /// One or more sentences for the caller: what is wrong and what to do. Never holds a token.
    public let detail: String
    /// Seconds after which trying again makes sense; nil when unknown or pointless.
    public let retryAfter: Int?

    public init(_ kind: Kind, detail: String, retryAfter: Int? = nil) {
        self.kind = kind
        self.detail = detail
        self.retryAfter = retryAfter
    }

    public var fault: Fault {
        switch kind {
        case .badRequest, .refused, .notFound, .methodNotAllowed, .payloadTooLarge, .unsupportedMediaType,
            .expectationFailed,
            .denied, .sealRefused, .clientGone:
            .client
        case .hubAnswered(let refusal): refusal.status.code >= 500 ? .hub : .client
        case .hubUnreachable, .hubTooSlow, .hubBroken: .hub
        case .noToken, .tooBusy, .draining, .notReady, .internalError: .gateway
        }
    }
}

extension Failure: CustomStringConvertible {
    public var description: String { detail }
}
