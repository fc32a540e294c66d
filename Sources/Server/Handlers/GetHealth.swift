internal import Hub

/// GET /-/health: the process runs and its loop turns; nothing else is looked at.
struct GetHealth: Responder {
    private static let response = Response(
        .ok, headers: ["Content-Type": "application/json"], body: Array(#"{"status":"ok"}\#n"#.utf8))

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        Self.response
    }
}
