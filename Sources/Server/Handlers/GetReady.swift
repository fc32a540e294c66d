internal import Hub

/// GET /-/ready: whether new requests should be sent here. 503 with the reason while draining, without a token, or without the Hub.
struct GetReady: Responder {
    let hubProbe: HubProbe
    let lifecycle: Lifecycle

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        guard !lifecycle.isDraining else { throw .draining() }
        do throws(Failure) {
            _ = try await hubProbe.probe(context)
        } catch {
            // Whatever the reason, a load balancer understands 503; the sentence stays.
            throw .notReady(error)
        }
        return Response(
            .ok, headers: ["Content-Type": "application/json"], body: Array("{\"status\":\"ready\"}\n".utf8))
    }
}
