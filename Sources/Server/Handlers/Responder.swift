internal import Hub

/// A handler whose response is one value.
@EventLoop
protocol Responder: Handler {
    /// The response if it is at hand; else nil, and `respond` makes it.
    func responseAtHand(to request: Request, _ context: RequestContext) throws(Failure) -> Response?
    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response
}

extension Responder {
    func responseAtHand(to request: Request, _ context: RequestContext) throws(Failure) -> Response? { nil }

    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool {
        guard let response = try responseAtHand(to: exchange.request, context) else { return false }
        exchange.send(response, id: .own(context.id))
        return true
    }

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        exchange.send(try await respond(to: exchange.request, context), id: .own(context.id))
    }
}
