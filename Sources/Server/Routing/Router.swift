internal import Hub

/// Finds what answers a request.
struct Router: Sendable {
    /// The endpoint's name, or `relay` for a path that is not ours.
    /// Throws `notFound` for an unknown path below `/-/` and for what is not shown at the entrance, `methodNotAllowed` for an endpoint's path with another method.
    func route(_ request: Request, at entrance: Entrance) throws(Failure) -> Route.Name {
        let path = request.target.path
        guard path.utf8.first == UInt8(ascii: "/"), entrance.shows(path) else { throw unknown(request) }
        let length = path.utf8.count
        // RFC 9110 9.3.2: HEAD is GET without the content, everywhere.
        let wanted = request.method == .head ? .get : request.method
        var isOurs = false
        // By length first: few paths of the Hub have one of these lengths.
        for route in Routes.all where route.path.utf8.count == length && route.path == path {
            if route.method == wanted { return route.name }
            isOurs = true
        }
        if isOurs { throw .methodNotAllowed(request.method, allow: allowed(at: path)) }
        guard !path.hasPrefix(Entrance.adminPrefix) else { throw unknown(request) }
        return .relay
    }

    private func allowed(at path: String) -> [Method] {
        Routes.all.filter { $0.path == path }.flatMap { $0.method == .get ? [.get, .head] : [$0.method] }
    }

    private func unknown(_ request: Request) -> Failure {
        .notFound("endpoint \(request.target.loggable)")
    }
}
