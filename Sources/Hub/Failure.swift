package import HTTP

/// Why a request was not answered as asked: the one error type, thrown typed everywhere.
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

        /// The caller shows nothing by which the gateway knows them; `code` is a word for why.
        case unidentified(code: String)
        /// The gateway should lend its token and has none.
        case noToken
        /// The caller is known and may not do this.
        case denied
        /// A signed URL is forged, changed, expired, or leads where this gateway does not go.
        case signedURLRefused
        /// The Hub said no.
        case hubAnswered(HubRefusal)
        /// No connection: name, TCP or TLS failed.
        case hubUnreachable
        case hubTooSlow
        /// The Hub broke HTTP or its own contract, or its response was cut off.
        case hubBroken
        /// The caller hung up: nobody is left to read a response.
        case clientGone
        case tooBusy
        case draining
        case notReady
        /// A bug or a broken machine.
        case internalError
    }

    package let kind: Kind
    /// One or more sentences for the caller: what is wrong and what to do. Never holds a token.
    package let detail: String
    /// Seconds after which trying again makes sense; nil when unknown or pointless.
    package let retryAfter: Int?

    package init(_ kind: Kind, detail: String, retryAfter: Int? = nil) {
        self.kind = kind
        self.detail = detail
        self.retryAfter = retryAfter
    }
}

extension Failure: CustomStringConvertible {
    package var description: String { detail }
}
