import EventIO
import HTTP
import Hub

/// Requests that huggingface_hub makes of its own accord, unless `client_probes` is relay: telemetry is dropped, and what is the same for all clients
/// is fetched from the Hub once a day, without a token.
struct AnswerClientProbe: Handler {
    typealias Held = SingleFlightCache<Bool, [UInt8]>

    let hub: HubClient
    let agents: Held

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        guard context.target.pathAndQuery == AgentHarnesses.path else { return .response(Response(.noContent)) }
        if let json = try agents.cached(true) { return .response(Self.response(json)) }
        return .pending { [hub, agents] () async throws(Failure) in
            let json = try await agents.value(true) { () async throws(Failure) -> [UInt8] in
                let own = RequestContext(outliving: context)
                return try await hub.send(AgentHarnesses(), own)
            }
            return Self.response(json)
        }
    }

    private static func response(_ json: [UInt8]) -> Response {
        Response(.ok, headers: ["Content-Type": "application/json"], body: json)
    }
}
