internal import Hub

/// Finds what answers a request.
struct Router: Sendable {
    /// The endpoint's name, `content` for what looks sealed, or `relay` for a path that is not ours.
    /// Throws `notFound` for an unknown path below `/-/` and for what is not shown at the entrance, `methodNotAllowed` for an endpoint's path with another method.
    func route(_ request: Request, at entrance: Entrance) throws(Failure) -> Route.Name {
        let path = request.target.path
        let here = Routes.all.filter { $0.path == path && entrance.shows(path) }
        guard !here.isEmpty else {
            guard path.hasPrefix("/"), entrance.shows(path) else {
                throw .notFound("endpoint \(request.target.loggable)")
            }
            guard path.hasPrefix(Entrance.adminPrefix) else { return .relay }
            guard path.hasPrefix(Target.sealedPrefix) else {
                throw .notFound("endpoint \(request.target.loggable)")
            }
            return .content
        }
        // RFC 9110 9.3.2: HEAD is GET without the content, everywhere.
        let wanted = request.method == .head ? .get : request.method
        guard let route = here.first(where: { $0.method == wanted }) else {
            throw .methodNotAllowed(
                request.method, allow: here.flatMap { $0.method == .get ? [.get, .head] : [$0.method] })
        }
        return route.name
    }
}
