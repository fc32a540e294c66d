import HTTP

/// The listener that a request came in at.
enum ListenerRole: Sendable {
    /// The only one: everything is served.
    case only
    /// The listener for clients, where `/-/` has one of its own.
    case clients
    /// The listener for `/-/`: `admin_listen`.
    case admin

    static let adminPrefix = "/-/"

    /// People confirm devices here: it belongs to the clients' listener, not the administrators'.
    static let loginPath = "/-/login"

    private static func isForClients(_ path: String) -> Bool {
        path.hasPrefix(Target.signedPrefix) || path.hasPrefix(Target.peerPrefix) || path == loginPath
    }

    /// The same for a request's target.
    func shows(_ target: Target) -> Bool { self == .only || shows(target.path) }

    /// Whether this listener serves `path`.
    func shows(_ path: String) -> Bool {
        switch self {
        case .only: true
        case .clients: !path.hasPrefix(Self.adminPrefix) || Self.isForClients(path)
        case .admin: path.hasPrefix(Self.adminPrefix) && !Self.isForClients(path)
        }
    }
}
