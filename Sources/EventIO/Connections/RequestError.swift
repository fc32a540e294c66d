import CEvent
package import HTTP

/// Why a request, or its body, did not come whole.
package enum RequestError: Error, Sendable, Equatable {
    /// It breaks HTTP: the status of the response, the short name of the rule, and a sentence for the client.
    case refused(Status, rule: String, reason: String)
    /// The parser accepted it, and it still cannot be read. With a sentence for the client.
    case malformed(String)
    /// The body has more bytes than are collected.
    case tooLarge(limit: Int)
    /// All collected bodies together take as much as they may.
    case noMemory
    /// The body did not come in time.
    case tooSlow
    /// The client hung up.
    case clientGone
}

extension RequestError {
    init(_ refusal: ce_refusal) {
        self = unsafe .refused(
            Status(Int(refusal.status)), rule: String(cString: refusal.rule), reason: String(cString: refusal.reason))
    }
}
