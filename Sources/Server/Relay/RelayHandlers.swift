import EventIO
import Hub

/// Relays any request that is for none of our own endpoints to the Hub.
struct RelayToHub: Handler {
    let hub: Upstream

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        try hub.relay(exchange, context)
        return .stream
    }
}

/// Relays /v1/… and the providers' own paths to the inference router, each event as it comes. It takes the same way as requests to the Hub, so
/// the same rules for credentials and redirects hold.
struct RelayToInferenceRouter: Handler {
    /// Nil where the gateway has no router for its Hub.
    let router: Upstream?

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        guard let router else { throw .noInference }
        try router.relay(exchange, context)
        return .stream
    }
}

extension Failure {
    /// There is no inference router for this Hub.
    fileprivate static var noInference: Failure {
        Failure(
            .notFound,
            detail: "This gateway has no inference router for its Hub. Its operator names one in inference_upstream."
        )
    }
}
