import HTTP
import Hub

/// The caller of a request, and the credential with which the Hub is asked for it.
///
/// A class: with open access all requests have the same one, and each takes a reference.
final class Principal: Sendable {
    /// The credential that goes to the Hub.
    enum Authority: Sendable {
        /// The gateway's own token; nil where it has none: then the Hub cannot be asked.
        case gateway(Credential?)
        /// A token of `credentials_dir`; nil where there is none of that name.
        case named(String, Credential?)
        /// The client's own; nil: the Hub is asked without a credential.
        case client(Credential?)
    }

    let authority: Authority
    /// The principals that may share responses with it.
    let partition: CachePartition
    /// The principals that share its Hub account.
    let account: CachePartition
    /// Whether a browser could attach this credential by itself: the gateway's own, or a user's name and password that it has
    /// stored (RFC 7617 section 2.2) and adds to requests of any page.
    let isAmbient: Bool
    /// Its key; nil where it has none.
    let key: KeyIdentity?
    /// Why the client could not be identified. It may still use what needs no key.
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

    /// A client that could not be identified, and why.
    static func unidentified(_ refusal: KeyRefusal, isAmbient: Bool = true) -> Principal {
        Principal(
            authority: .client(nil), partition: .client(nil), account: .client(nil), isAmbient: isAmbient,
            refusal: refusal)
    }

    /// The same principal, but the Hub is asked without a credential, for public content only.
    var withoutCredential: Principal {
        Principal(
            authority: .client(nil), partition: .client(nil), account: account, isAmbient: isAmbient, key: key,
            refusal: refusal)
    }

    /// The credential for the Hub. Throws `noToken` where the gateway should lend a token and has none.
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

    /// Whether the client does not know the credential.
    var isLent: Bool {
        if case .client = authority { false } else { true }
    }
}

/// The clients to which the same response may be given: what is shared or kept never crosses from one partition to another.
enum CachePartition: Hashable, Sendable {
    /// All clients that use the gateway's own token. Another token may be another account, so it has another number.
    case gateway(token: Int)
    /// All clients that use a token of `credentials_dir`.
    case named(String, token: Int)
    /// A client with its own credential.
    case client(Credential?)
    /// A client with a key whose rules decide what it sees.
    case key(Int64, token: Int)
}

extension Failure {
    fileprivate static var noGatewayToken: Failure {
        .noToken(
            "This gateway has no Hub token. Its operator sets HF_ACCESS_TOKEN (or HF_TOKEN, or token_file) and starts it again; a token_file is read again on SIGHUP."
        )
    }

    fileprivate static func noNamedToken(_ name: String) -> Failure {
        .noToken(
            "This key acts with the credential \(name), which this gateway does not have: its operator puts the token into a file of that name in credentials_dir, and sends SIGHUP."
        )
    }
}
