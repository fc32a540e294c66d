internal import Hub

/// Finds the endpoint for a request.
struct Router: Sendable {
    /// Throws `notFound` for a path that is no endpoint's, `methodNotAllowed` for one that is but not with this method.
    func route(_ request: Request) throws(Failure) -> Route {
        let path = request.target.path
        let here = Routes.all.filter { $0.path == path }
        guard !here.isEmpty else {
            throw .notFound("endpoint \(request.target.loggable)")
        }
        // RFC 9110 9.3.2: HEAD is GET without the content, everywhere.
        let wanted = request.method == .head ? .get : request.method
        guard let route = here.first(where: { $0.method == wanted }) else {
            throw .methodNotAllowed(
                request.method, allow: here.flatMap { $0.method == .get ? [.get, .head] : [$0.method] })
        }
        return route
    }
}
