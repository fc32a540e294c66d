internal import Hub

/// GET /-/metrics: the counters, in Prometheus' text format.
struct GetMetrics: Responder {
    let metrics: Metrics

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        Response(
            .ok, headers: ["Content-Type": MetricsPage.mediaType, "Cache-Control": "no-store"], body: metrics.page())
    }
}
