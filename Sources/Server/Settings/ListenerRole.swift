import HTTP

/// By which of the gateway's addresses a request came.
enum ListenerRole: Sendable {
    /// The only one: everything is served.
    case only
    /// The one for clients, where `/-/` has another.
    case clients
    /// That other one: `admin_listen`.
    case admin

    static let adminPrefix = "/-/"

    /// On which people confirm devices: theirs, not the administrators'.
    static let loginPath = "/-/login"

    private static func isForClients(_ path: String) -> Bool {
        path.hasPrefix(Target.signedPrefix) || path.hasPrefix(Target.peerPrefix) || path == loginPath
    }

    /// The same of a request's target.
    func shows(_ target: Target) -> Bool { self == .only || shows(target.path) }

    /// Whether anything is at `path` for those who come this way.
    func shows(_ path: String) -> Bool {
        switch self {
        case .only: true
        case .clients: !path.hasPrefix(Self.adminPrefix) || Self.isForClients(path)
        case .admin: path.hasPrefix(Self.adminPrefix) && !Self.isForClients(path)
        }
    }
}
