package import HTTP

/// By which variables huggingface_hub knows the program that it runs in: `GET /api/agent-harnesses`. It is the same for all, and each new client asks
/// once a day.
package struct AgentHarnesses: HubCall, Equatable {
    package static let path = "/api/agent-harnesses"

    package init() {}

    package var method: Method { .get }
    package var path: String { Self.path }

    /// The Hub's JSON, as it came.
    package func read(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        guard case .object? = try? JSON.parse(body, within: limits) else {
            throw .hubBroken("the list of agents is not a JSON object")
        }
        return body
    }
}
