internal import Hub

/// Answers the requests to one endpoint.
@EventLoop
protocol Handler {
    /// Answers if nothing has to be waited for, and says whether it did: such an answer needs no task. It may throw only before it has begun to.
    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool
    /// Answers the exchange, or throws before it has begun to.
    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure)
}

extension Handler {
    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool { false }
}
