import HTTP
import Hub

/// Finds the handler of a request.
struct Router: Sendable {
    /// The path that stands before all others here; empty for none.
    var basePath = ""
    /// Whether the gateway handles logins itself.
    var hasLogins = false
    /// Whether the gateway answers probes that clients send of their own accord.
    var answersProbes = false
    /// Whether administrators may use it over HTTP.
    var hasConsole = true

    private static let telemetry = "/api/telemetry/"

    /// The target of a request below `base_path`. Paths that begin with `/-/` are at the root as well, where probes look for them.
    /// Throws `notFound`, with the base path, for any other path that is not below it, and `refused` for `//` below it.
    func target(of request: Request) throws(Failure) -> Target {
        let target = request.target
        guard !basePath.isEmpty, !target.pathBegins(with: ListenerRole.adminPrefix) else { return target }
        guard let below = target.below(basePath) else { throw .notBelow(basePath) }
        // The parser refuses the same at the root.
        guard !below.pathBegins(with: "//") else { throw .doubleSlash }
        return below
    }

    /// The endpoint's name, `content` for a path that looks signed, or `relay` or `inference` for a path that is not ours.
    /// Throws `notFound` for an unknown path below `/-/` or one that this listener does not serve, `methodNotAllowed` for an endpoint's path with another
    /// method.
    func route(_ method: Method, _ target: Target, at role: ListenerRole) throws(Failure) -> Route.Name {
        guard target.pathBegins(with: "/") else { throw unknown(target) }
        guard role.shows(target) else { throw .elsewhere(role) }
        // RFC 9110 9.3.2: HEAD is GET without the content, everywhere.
        let wanted = method == .head ? .get : method
        // By length first: few paths of the Hub have one of these lengths.
        if Routes.mayHave(target.pathLength), let name = try ours(method, as: wanted, target.path) { return name }
        guard !target.pathBegins(with: ListenerRole.adminPrefix) else {
            if hasConsole, target.pathBegins(with: AdminRoutes.prefix + "/") { return .admin }
            if target.pathBegins(with: Target.peerPrefix) { return .peer }
            guard target.pathBegins(with: Target.signedPrefix) else { throw unknown(target) }
            return .content
        }
        if answersProbes, wanted == .get, isProbe(target) { return .clientProbe }
        return InferenceRoutes.contain(method, target) ? .inference : .relay
    }

    private func ours(_ method: Method, as wanted: Method, _ path: String) throws(Failure) -> Route.Name? {
        var isOurs = false
        for route in Routes.all where route.path == path {
            guard hasLogins || !route.name.isOfLogins, hasConsole || !route.name.isOfAdministrators else { continue }
            if route.method == wanted { return route.name }
            isOurs = true
        }
        if isOurs { throw .methodNotAllowed(method, allow: allowed(at: path)) }
        return nil
    }

    private func isProbe(_ target: Target) -> Bool {
        target.pathBegins(with: Self.telemetry) || target.pathAndQuery == AgentHarnesses.path
    }

    private func allowed(at path: String) -> [Method] {
        Routes.all.filter { $0.path == path }.flatMap { $0.method == .get ? [.get, .head] : [$0.method] }
    }

    private func unknown(_ target: Target) -> Failure {
        .notFound("endpoint \(target.loggable)")
    }
}

extension Failure {
    /// With `admin_listen`, what is served at the other of the two addresses. It is not said where that is.
    static func elsewhere(_ role: ListenerRole) -> Failure {
        Failure(
            .notFound,
            detail: role == .admin
                ? "At this address of the gateway (admin_listen) there are only paths that begin with /-/."
                : "Paths that begin with /-/ are at another address of this gateway (admin_listen).")
    }

    /// The gateway is below a path and not at the root.
    static func notBelow(_ basePath: String) -> Failure {
        Failure(
            .notFound,
            detail:
                "All that is here begins with \(basePath): set HF_ENDPOINT to this gateway's address with \(basePath) at its end."
        )
    }

    /// After `base_path` comes a second slash, which could be read as the beginning of another host.
    static var doubleSlash: Failure {
        Failure(
            .refused(.badRequest, rule: "target-double-slash"),
            detail: "The path begins with `//`: begin it with one `/`.")
    }
}
