import EventIO
import HTTP

/// How a client becomes a principal: by the setting `access`.
///
/// A class, so that each request takes one reference and no copy.
@EventLoop
final class Identification {
    let access: Access
    /// The gateway's own credential, if it has one.
    let own: Credential?
    /// The credentials of `credentials_dir`, by name.
    let credentials: [String: Credential]
    /// Counts the sets of tokens since the gateway's start.
    let tokenNumber: Int
    /// Nil but in access by keys.
    let keys: KeyStore?
    /// Nil: no client is asked for a certificate.
    private let certificates: ClientCertificates?
    /// The policy of keys that have none of their own.
    private let policy: KeyPolicy
    /// The gateway itself.
    let gateway: Principal

    init(
        access: Access, own: Credential?, credentials: [String: Credential], tokenNumber: Int, keys: KeyStore?,
        certificates: ClientCertificates? = nil, policy: KeyPolicy = .enforce
    ) {
        self.certificates = certificates
        self.policy = policy
        self.access = access
        self.own = own
        self.credentials = credentials
        self.tokenNumber = tokenNumber
        self.keys = keys
        gateway = Principal(
            authority: .gateway(own), partition: .gateway(token: tokenNumber), account: .gateway(token: tokenNumber),
            isAmbient: true)
    }

    /// The principal of a request. With open access the client's own credential is not even read.
    func principal(of request: Request) -> Principal {
        switch access {
        case .open: return gateway
        case .passthrough:
            let credential = request.headers["Authorization"].flatMap { Credential($0) }
            return Principal(
                authority: .client(credential), partition: .client(credential), account: .client(credential),
                isAmbient: credential?.scheme == .basic)
        case .keys: return principal(byKeyOf: request.headers)
        }
    }

    /// The principal by the connection's certificate. Called where the request shows no credential, which would count first. Nil: no certificate.
    func principal(byCertificateOf exchange: Exchange) -> Principal? {
        certificates?.principal(of: exchange, by: self)
    }

    /// Whether the key's rules refuse nothing, and what they would refuse is recorded.
    func isShadow(_ key: KeyIdentity) -> Bool { (key.grant.policy ?? policy) == .shadow }

    /// The principal with this key. `isAmbient`: a browser could have added the key by itself.
    func principal(with key: KeyIdentity, isAmbient: Bool) -> Principal {
        let partition = CachePartition.key(key.publicID, token: tokenNumber)
        guard let name = key.grant.grant.credential else {
            return Principal(
                authority: .gateway(own), partition: partition, account: .gateway(token: tokenNumber),
                isAmbient: isAmbient, key: key)
        }
        return Principal(
            authority: .named(name, credentials[name]), partition: partition,
            account: .named(name, token: tokenNumber), isAmbient: isAmbient, key: key)
    }

    private func principal(byKeyOf headers: Headers) -> Principal {
        do throws(KeyRefusal) {
            guard let keys else { throw .unknown }
            let shown = try keys.identify(headers)
            return principal(with: shown.key, isAmbient: shown.isBasic)
        } catch {
            return .unidentified(error, isAmbient: ShownKey.isBasic(headers))
        }
    }
}
