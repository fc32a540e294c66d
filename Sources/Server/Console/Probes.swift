import EventIO
import HTTP
import Hub

/// GET /-/health: the process runs and its loop turns; nothing else is looked at.
struct GetHealth: PromptResponder {
    private static let response = Response(
        .ok, headers: ["Content-Type": "application/json"], body: Array(#"{"status":"ok"}\#n"#.utf8))

    func response(to request: Request, _ context: RequestContext) throws(Failure) -> Response {
        Self.response
    }
}

/// GET /-/ready: whether new requests should be sent here. 503 with the reason while draining, without a token, or without the Hub.
struct GetReady: Responder {
    let hubProbe: HubProbe
    let drainState: DrainState

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        guard !drainState.isDraining else { throw .draining() }
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

/// GET /-/metrics: the counters, in Prometheus' text format.
struct GetMetrics: PromptResponder {
    let metrics: Metrics

    func response(to request: Request, _ context: RequestContext) throws(Failure) -> Response {
        Response(
            .ok, headers: ["Content-Type": MetricsPage.mediaType, "Cache-Control": "no-store"], body: metrics.page())
    }
}

/// Whether the Hub can be reached, and as whom: for readiness and the home page. Cheap, because the responses are held.
@EventLoop
final class HubProbe {
    private let upstream: Upstream
    private let account: AccountCache
    private let reached = SingleFlightCache<String, Bool>(for: .seconds(10))

    init(upstream: Upstream, account: AccountCache) {
        self.upstream = upstream
        self.account = account
    }

    /// The name of the token's owner; nil where that is each caller's own, or not for everybody to know.
    func probe(_ context: RequestContext) async throws(Failure) -> String? {
        switch upstream.access {
        case .open:
            return try JSON.parse(try await account.whoAmI(context), within: .account)["name"]?.stringValue ?? "?"
        case .keys:
            // Who has no key is not told whose token it is.
            _ = try await account.whoAmI(context)
            return nil
        case .passthrough:
            _ = try await reached.value("") { [upstream] () async throws(Failure) -> Bool in
                let anonymous = RequestContext(id: .next(), caller: Caller(address: "", credential: nil))
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
