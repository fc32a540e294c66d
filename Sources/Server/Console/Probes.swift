import EventIO
import HTTP
import Hub

/// GET /-/health: the process runs and its loop turns; nothing else is checked.
struct GetHealth: Handler {
    private static let response = Response(
        .ok, headers: ["Content-Type": "application/json"], body: Array(#"{"status":"ok"}\#n"#.utf8))

    func handle(_ exchange: Exchange, _ context: RequestContext) -> Reply { .response(Self.response) }
}

/// GET /-/ready: whether new requests should be sent here. 503 with the reason while draining, without a token, or without the Hub.
struct GetReady: Handler {
    let hubProbe: HubProbe
    let drainState: DrainState

    func handle(_ exchange: Exchange, _ context: RequestContext) -> Reply {
        .pending { () async throws(Failure) in try await answer(context) }
    }

    private func answer(_ context: RequestContext) async throws(Failure) -> Response {
        guard !drainState.isDraining else { throw .draining() }
        do throws(Failure) {
            _ = try await hubProbe.probe(context)
        } catch {
            // Where the Hub's rate limit is used up the Hub can be reached, and what is kept or waits is served.
            if case .budgetSpent = error.kind { return Self.ready }
            // Whatever the reason, a load balancer understands 503; the sentence stays.
            throw .notReady(error)
        }
        return Self.ready
    }

    private static let ready = Response(
        .ok, headers: ["Content-Type": "application/json"], body: Array("{\"status\":\"ready\"}\n".utf8))
}

/// GET /-/metrics: the counters, in Prometheus' text format.
struct GetMetrics: Handler {
    let metrics: Metrics

    func handle(_ exchange: Exchange, _ context: RequestContext) -> Reply {
        .response(
            Response(
                .ok, headers: ["Content-Type": MetricsPage.mediaType, "Cache-Control": "no-store"],
                body: metrics.page()))
    }
}

/// Whether the Hub can be reached, and with which account: for readiness and the home page. Cheap, because the responses are held.
@EventLoop
struct HubProbe {
    typealias Reached = SingleFlightCache<CachePartition, Bool>

    let upstream: Upstream
    let gateway: Identification
    let account: AccountCache
    let reached: Reached

    /// The name of the token's owner; nil where each caller has its own token, or must not learn the name.
    func probe(_ context: RequestContext) async throws(Failure) -> String? {
        if upstream.isOff { return nil }
        switch gateway.access {
        case .open:
            return try JSON.parse(try await account.whoAmI(context), within: .account)["name"]?.stringValue ?? "?"
        case .keys:
            // The gateway asks for itself: a client without a key is not told which account its token belongs to.
            let own = RequestContext(id: context.id, address: context.address)
            own.principal = gateway.gateway
            _ = try await account.whoAmI(own)
            return nil
        case .passthrough:
            _ = try await reached.value(Principal.anonymous.partition) {
                [upstream] () async throws(Failure) -> Bool in
                let anonymous = RequestContext(id: .next(), address: "")
                let request = Request(method: .get, target: try Target(hub: "/api/models?limit=1"))
                let answer = try await upstream.send(request, anonymous, limit: JSONLimits.reply.bytes)
                guard answer.status.code < 500 else {
                    throw .hubAnswered(HubRefusal(status: answer.status, headers: answer.headers, body: answer.body))
                }
                return true
            }
            return nil
        }
    }
}

extension Failure {
    /// Why this gateway should get no requests now.
    fileprivate static func notReady(_ reason: Failure) -> Failure {
        Failure(.notReady, detail: reason.detail, retryAfter: reason.retryAfter)
    }
}
