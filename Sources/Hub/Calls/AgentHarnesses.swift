package import HTTP

/// The variables by which huggingface_hub recognises the program that it runs in: `GET /api/agent-harnesses`. The response is the same for all
/// clients, and each new client asks once a day.
package struct AgentHarnesses: HubCall, Equatable {
    package static let path = "/api/agent-harnesses"

    package init() {}

    package var method: Method { .get }
    package var path: String { Self.path }

    /// The Hub's JSON, unchanged.
    package func read(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        guard case .object? = try? JSON.parse(body, within: limits) else {
            throw .hubBroken("the list of agents is not a JSON object")
        }
        return body
    }
}
