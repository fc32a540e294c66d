import EventIO
import Hub

/// /v1/… and the providers' own paths: to the inference router and back, each event as it comes. By the same road as what goes to the Hub, so with the same rules for
/// credentials and redirects.
struct Inference: Handler {
    /// Nil where the gateway has no router for its Hub.
    let router: Upstream?

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        guard let router else { throw .noInference }
        do throws(Failure) {
            try await router.relay(exchange, context)
        } catch {
            throw error.atInferenceRouter
        }
    }
}

extension Failure {
    /// What befell a call is told in words about the Hub; this one went to another server.
    fileprivate var atInferenceRouter: Failure {
        Failure(kind, detail: detail.replacing("The Hub", with: "The inference router"), retryAfter: retryAfter)
    }
}
