import EventIO
import HTTP
import Hub

/// Which clients may run the gateway over HTTP: decided by the setting `access`, and by where the gateway listens.
enum AdminAccess: Sendable {
    /// Clients that show a key of the role admin, or have signed in with one.
    case keys
    /// Programs and pages of this machine; the gateway listens to no other.
    case local
    /// No client: the paths are not there.
    case off

    init(_ settings: Settings) {
        let addresses = settings.adminListen.map { [$0] } ?? settings.listen
        self =
            switch settings.access {
            case _ where !settings.console: .off
            case .keys: .keys
            case .open: addresses.allSatisfy(\.isLoopback) ? .local : .off
            case .passthrough: .off
            }
    }

    var isServed: Bool {
        if case .off = self { false } else { true }
    }

    /// A proxy sets these: with one of them the request may be another client's.
    private static let ofProxies = CaselessWords(
        ["Forwarded", "Via", "X-Real-IP", "Client-IP", "True-Client-IP"], prefixes: ["X-Forwarded-"])

    /// Whether a request is this machine's own: neither brought by a proxy, nor sent by a page of another site or under another name.
    static func isLocal(_ request: Request, peer: String, address: String) -> Bool {
        guard IPAddress(peer)?.isLoopback == true, IPAddress(address)?.isLoopback == true else { return false }
        guard !request.headers.contains(anyOf: ofProxies), isLocal(host: request.headers["Host"]) else { return false }
        return !CrossSite.sent(request)
    }

    private static func isLocal(host: String?) -> Bool {
        guard let host, let address = try? UpstreamAddress(reading: "https://\(host)") else { return false }
        return address.host == "localhost" || IPAddress(address.host)?.isLoopback == true
    }
}

/// An administrator, for one request.
struct AdminCaller: Sendable {
    /// The name of the key; nil: a user of this machine.
    let name: String?
    /// The caller's proof for the state process; nil: there is no state process.
    let proof: AdminOrder.Proof?
    let publicID: Int64
    /// The token of the session; nil where the request shows a key.
    let session: String?

    static let local = AdminCaller(name: nil, proof: nil, publicID: 0, session: nil)
}

extension Failure {
    /// The key is valid, and has not the role admin.
    static var noAdministrator: Failure {
        Failure(
            .denied,
            detail:
                "This takes a key of the role admin, without rules that deny: `hubgate keys create NAME --role admin`.")
    }

    /// There is no session.
    static var notSignedIn: Failure {
        Failure(
            .unidentified(code: "KeyMissing"),
            detail: "This takes a key of the role admin: `Authorization: Bearer hg_KEY`, or a sign-in at /-/console.")
    }

    /// The order may still be carried out.
    static var stateLate: Failure {
        Failure(
            .declined(.stateUnavailable),
            detail:
                "The state has not answered: it may be done all the same. Look at the keys, or the audit, before you send it again.",
            retryAfter: 5)
    }

    static var stateSilent: Failure {
        Failure(
            .declined(.stateUnavailable),
            detail:
                "The state cannot be asked at present; nothing was done. The operator of this gateway finds why in its log.",
            retryAfter: 5)
    }
}
