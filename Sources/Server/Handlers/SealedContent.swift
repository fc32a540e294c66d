internal import Hub

/// What has been sealed: to the Hub's stores and back, bodies streamed both ways.
struct SealedContent: Handler {
    let upstream: Upstream

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        try await upstream.relaySealed(exchange, context)
    }
}
