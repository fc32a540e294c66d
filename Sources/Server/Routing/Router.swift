internal import Hub

/// Finds what answers a request.
struct Router: Sendable {
    /// What is here or below goes to the inference router.
    private static let inference = (path: "/v1", prefix: "/v1/")

    /// The endpoint's name, or `relay` or `inference` for a path that is not ours.
    /// Throws `notFound` for an unknown path below `/-/` and for what is not shown at the entrance, `methodNotAllowed` for an endpoint's path with another method.
    func route(_ request: Request, at entrance: Entrance) throws(Failure) -> Route.Name {
        let path = request.target.path
        let here = Routes.all.filter { $0.path == path && entrance.shows(path) }
        guard !here.isEmpty else {
            guard path.hasPrefix("/"), !path.hasPrefix(Entrance.adminPrefix), entrance.shows(path) else {
                throw .notFound("endpoint \(request.target.loggable)")
            }
            let isInference = path.hasPrefix(Self.inference.prefix) || path == Self.inference.path
            return isInference ? .inference : .relay
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
