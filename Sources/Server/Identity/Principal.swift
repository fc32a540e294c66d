import HTTP
import Hub

/// Who asks, and as whom the Hub is asked for them.
struct Principal: Sendable {
    /// Whose credential goes to the Hub.
    enum Authority: Sendable {
        /// The gateway's own token; nil where it has none, so that nothing can be asked.
        case gateway(Credential?)
        /// The client's; nil asks without any.
        case client(Credential?)
    }

    let authority: Authority
    /// Whose responses these may be.
    let partition: CachePartition

    /// Nobody in particular: the Hub is asked without a credential.
    static let anonymous = Principal(authority: .client(nil), partition: .client(nil))

    /// Whether a browser could attach this credential by itself: the gateway's own, or a user's name and token that their
    /// browser has remembered (RFC 7617 section 2.2) and adds to what any page makes it send.
    var isAmbient: Bool {
        switch authority {
        case .gateway: true
        case .client(let credential): credential?.scheme == .basic
        }
    }

    /// What goes to the Hub. Throws `noToken` where the gateway should lend its token and has none.
    var credential: Credential? {
        get throws(Failure) {
            switch authority {
            case .client(let credential): return credential
            case .gateway(let credential):
                guard let credential else { throw .noGatewayToken }
                return credential
            }
        }
    }
}

/// Those to whom the same response may be given: what is shared or kept never crosses from one of them to another.
enum CachePartition: Hashable, Sendable {
    /// All who use the gateway's own token. Another token is another account, so it has another number.
    case gateway(token: Int)
    /// A client by its own credential.
    case client(Credential?)
}

extension Failure {
    fileprivate static var noGatewayToken: Failure {
        .noToken(
            "This gateway has no Hub token. Whoever runs it sets HF_ACCESS_TOKEN (or HF_TOKEN, or token_file) and starts it again; a token_file is read anew on SIGHUP."
        )
    }
}
