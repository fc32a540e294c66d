internal import Hub

/// A responder that never waits.
@EventLoop
protocol PromptResponder: Responder {
    func response(to request: Request, _ context: RequestContext) throws(Failure) -> Response
}

extension PromptResponder {
    func responseAtHand(to request: Request, _ context: RequestContext) throws(Failure) -> Response? {
        try response(to: request, context)
    }

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        try response(to: request, context)
    }
}
