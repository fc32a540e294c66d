internal import Hub

/// Any request that is no endpoint of our own: to the Hub and back, bodies streamed both ways.
struct Passthrough: Handler {
    let upstream: Upstream

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        try await upstream.relay(exchange, context)
    }
}
