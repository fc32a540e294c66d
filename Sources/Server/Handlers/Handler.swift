internal import Hub

/// Answers the requests to one endpoint.
@EventLoop
protocol Handler {
    /// Answers the exchange, or throws before it has begun to.
    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure)
}
