internal import Hub

/// GET /: what this is and how to use it: HTML to a browser, a short text to others.
struct GetHome: Responder {
    let settings: Settings
    let hubProbe: HubProbe

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        Response(.ok, text: "hubgate \(Version.number)\n")
    }
}
