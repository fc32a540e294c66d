import HTTP
import Hub

/// Who asks, and as whom the Hub is asked for them.
///
/// A class: with open access it is the same for all, and each request takes a reference.
final class Principal: Sendable {
    /// Whose credential goes to the Hub.
    enum Authority: Sendable {
        /// The gateway's own token; nil where it has none, so that nothing can be asked.
        case gateway(Credential?)
        /// A token of `credentials_dir`; nil where there is none of that name.
        case named(String, Credential?)
        /// The client's; nil asks without any.
        case client(Credential?)
    }

    let authority: Authority
    /// Whose responses these may be.
    let partition: CachePartition
    /// Whose account it is.
    let account: CachePartition
    /// Whether a browser could attach this credential by itself: the gateway's own, or a user's name and password that it has
    /// remembered (RFC 7617 section 2.2) and adds to what any page makes it send.
    let isAmbient: Bool
    /// By which key; nil where there are none.
    let key: KeyIdentity?
    /// Why the client could not be identified. What needs no key is open to it.
    let refusal: KeyRefusal?

    init(
        authority: Authority, partition: CachePartition, account: CachePartition, isAmbient: Bool,
        key: KeyIdentity? = nil, refusal: KeyRefusal? = nil
    ) {
        self.authority = authority
        self.partition = partition
        self.account = account
        self.isAmbient = isAmbient
        self.key = key
        self.refusal = refusal
    }

    /// An anonymous client: the Hub is asked without a credential.
    static let anonymous =
        Principal(authority: .client(nil), partition: .client(nil), account: .client(nil), isAmbient: false)

    /// A client whom the gateway does not know, for that reason.
    static func nobody(_ refusal: KeyRefusal, isAmbient: Bool = true) -> Principal {
        Principal(
            authority: .client(nil), partition: .client(nil), account: .client(nil), isAmbient: isAmbient,
            refusal: refusal)
    }

    /// The same, where the Hub is asked for what is public only.
    var withoutCredential: Principal {
        Principal(
            authority: .client(nil), partition: .client(nil), account: account, isAmbient: isAmbient, key: key,
            refusal: refusal)
    }

    /// What goes to the Hub. Throws `noToken` where the gateway should lend a token and has none.
    var credential: Credential? {
        get throws(Failure) {
            switch authority {
            case .client(let credential): return credential
            case .gateway(let credential):
                guard let credential else { throw .noGatewayToken }
                return credential
            case .named(let name, let credential):
                guard let credential else { throw .noNamedToken(name) }
                return credential
            }
        }
    }

    /// Whether the credential is one that the client knows nothing of.
    var isLent: Bool {
        if case .client = authority { false } else { true }
    }
}

/// Those to whom the same response may be given: what is shared or kept never crosses from one of them to another.
enum CachePartition: Hashable, Sendable {
    /// All who use the gateway's own token. Another token is another account, so it has another number.
    case gateway(token: Int)
    /// All who use a token of `credentials_dir`.
    case named(String, token: Int)
    /// A client by its own credential.
    case client(Credential?)
    /// A client by its key: what may be seen with it is its own.
    case key(Int64, token: Int)
}

extension Failure {
    fileprivate static var noGatewayToken: Failure {
        .noToken(
            "This gateway has no Hub token. Its operator sets HF_ACCESS_TOKEN (or HF_TOKEN, or token_file) and starts it again; a token_file is read anew on SIGHUP."
        )
    }

    fileprivate static func noNamedToken(_ name: String) -> Failure {
        .noToken(
            "This key acts with the credential \(name), which this gateway does not have: its operator puts the token into a file of that name in credentials_dir, and sends SIGHUP."
        )
    }
}
