import EventIO
import Hub

/// Any request that is no endpoint of our own: to the Hub and back.
struct RelayToHub: Handler {
    let hub: Upstream

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        try hub.relay(exchange, context)
        return .stream
    }
}

/// /v1/… and the providers' own paths: to the inference router and back, each event as it comes. By the same road as what goes to the Hub, so with
/// the same rules for credentials and redirects.
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
