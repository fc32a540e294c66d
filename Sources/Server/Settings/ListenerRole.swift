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

    /// Whether anything is at `path` for those who come this way.
    func shows(_ path: String) -> Bool {
        switch self {
        case .only: true
        case .clients: !path.hasPrefix(Self.adminPrefix) || path.hasPrefix(Target.signedPrefix)
        case .admin: path.hasPrefix(Self.adminPrefix) && !path.hasPrefix(Target.signedPrefix)
        }
    }
}
