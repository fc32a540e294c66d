import EventIO
import HTTP

/// Who asks, as far as the gateway knows: an address, and with `access = passthrough` a credential of their own.
struct Caller: Sendable {
    /// Without a port: the client's own, where trusted proxies stand between (`ClientAddress`).
    let address: String
    /// What goes to the Hub for them; nil if nothing does.
    let credential: Credential?
    /// How the client called the first trusted proxy; nil where none has said it.
    var forwardedOrigin: ForwardedOrigin?
}

extension Caller {
    /// In open access the client's own credential is not even looked at.
    @EventLoop init(_ exchange: Exchange, _ access: Access, trusted: IPNetworks) {
        let client = ClientAddress.of(exchange, trusted: trusted)
        address = client.text
        forwardedOrigin = client.origin
        credential =
            access == .open ? nil : exchange.request.headers["Authorization"].flatMap { Credential($0) }
    }
}

/// What a request shows to say who sends it (RFC 9110 section 11.4): a secret, and how it is written.
struct Credential: Sendable, Hashable {
    enum Scheme: String, CaseIterable, Sendable {
        /// RFC 6750 section 2.1.
        case bearer = "Bearer"
        /// RFC 7617 section 2: git clones so, with a user's name and the token.
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
    /// Nil for another scheme, and for what is no single word behind it.
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
