internal import Hub

/// A handler whose response is one value.
@EventLoop
protocol Responder: Handler {
    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response
}

extension Responder {
    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        var response = try await respond(to: exchange.request, context)
        response.headers.set("X-Request-Id", context.id.description)
        exchange.send(response)
    }
}
