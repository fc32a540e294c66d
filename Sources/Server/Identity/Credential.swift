import EventIO
import HTTP

/// The credential of a request (RFC 9110 section 11.4): a secret, and its scheme.
struct Credential: Sendable, Hashable {
    enum Scheme: String, CaseIterable, Sendable {
        /// RFC 6750 section 2.1.
        case bearer = "Bearer"
        /// RFC 7617 section 2: git sends a user's name, and the token as password.
        case basic = "Basic"
    }

    let scheme: Scheme
    let secret: Secret

    static func bearer(_ token: Secret) -> Credential { Credential(scheme: .bearer, secret: token) }

    private init(scheme: Scheme, secret: Secret) {
        self.scheme = scheme
        self.secret = secret
    }

    /// Reads an `Authorization` field, in which the scheme's case does not matter.
    /// Nil for another scheme, and for a value that is not one word after the scheme.
    init?(_ authorization: String) {
        let words = authorization.split(separator: " ", maxSplits: 2)
        guard words.count == 2,
            let scheme = Scheme.allCases.first(where: { $0.rawValue.lowercased() == words[0].lowercased() }),
            let secret = try? Secret(Array(words[1].utf8))
        else { return nil }
        self.init(scheme: scheme, secret: secret)
    }

    /// Bytes of the field's value.
    var count: Int { scheme.rawValue.utf8.count + 1 + secret.count }

    /// As a call to another server takes it.
    var authorization: TransferPool.Authorization {
        TransferPool.Authorization(scheme: scheme.rawValue, secret: secret)
    }

    /// In clear: for an `Authorization` field and nothing else.
    func reveal() -> String { "\(scheme.rawValue) \(secret.reveal())" }
}
