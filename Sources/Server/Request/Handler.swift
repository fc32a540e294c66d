import EventIO
import HTTP
import Hub

/// Answers the requests to one endpoint.
@EventLoop
protocol Handler {
    /// Answers if nothing has to be waited for, and says whether it did: such a response needs no task. It may throw only before it has begun to.
    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool
    /// Answers the exchange, or throws before it has begun to.
    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure)
}

extension Handler {
    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool { false }
}

/// A handler whose response is one value.
@EventLoop
protocol Responder: Handler {
    /// The response if it is at hand; else nil, and `respond` makes it.
    func cachedResponse(to request: Request, _ context: RequestContext) throws(Failure) -> Response?
    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response
}

extension Responder {
    func cachedResponse(to request: Request, _ context: RequestContext) throws(Failure) -> Response? { nil }

    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool {
        guard let response = try cachedResponse(to: exchange.request, context) else { return false }
        exchange.send(response, id: .own(context.id))
        return true
    }

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        exchange.send(try await respond(to: exchange.request, context), id: .own(context.id))
    }
}

/// A responder that never waits.
@EventLoop
protocol PromptResponder: Responder {
    func response(to request: Request, _ context: RequestContext) throws(Failure) -> Response
}

extension PromptResponder {
    func cachedResponse(to request: Request, _ context: RequestContext) throws(Failure) -> Response? {
        try response(to: request, context)
    }

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        try response(to: request, context)
    }
}
