internal import Hub

/// GET /-/metrics: the counters, in Prometheus' text format.
struct GetMetrics: PromptResponder {
    let metrics: Metrics

    func response(to request: Request, _ context: RequestContext) throws(Failure) -> Response {
        Response(
            .ok, headers: ["Content-Type": MetricsPage.mediaType, "Cache-Control": "no-store"], body: metrics.page())
    }
}
