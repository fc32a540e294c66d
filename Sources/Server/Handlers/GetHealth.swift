internal import Hub

/// GET /-/health: the process runs and its loop turns; nothing else is looked at.
struct GetHealth: PromptResponder {
    private static let response = Response(
        .ok, headers: ["Content-Type": "application/json"], body: Array(#"{"status":"ok"}\#n"#.utf8))

    func response(to request: Request, _ context: RequestContext) throws(Failure) -> Response {
        Self.response
    }
}
