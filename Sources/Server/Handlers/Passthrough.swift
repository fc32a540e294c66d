internal import Hub

/// Any request that is no endpoint of our own: to the Hub and back, bodies streamed both ways.
struct Passthrough: Handler {
    let upstream: Upstream
    /// Nil where each request is a call of its own.
    let flights: Flights?

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        guard let flights else { return try await upstream.relay(exchange, context) }
        try await flights.serve(exchange, context) { () async throws(Failure) in
            try await upstream.relay(exchange, context)
        }
    }
}
