import Hub

/// What clients call of their own accord.
extension Sandbox {
    /// POST /api/validate-yaml `{content, repoType}`: looks only for what opens and closes a card's metadata.
    static func validateYAML(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let text = try call.body().string("content")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasSuffix("\r") ? $0.dropLast() : $0
        }
        guard lines.first == "---" else {
            return Response(
                .ok, hub: ["errors": [], "warnings": [["message": "empty or missing yaml metadata in repo card"]]])
        }
        guard lines.dropFirst().contains("---") else {
            let message: JSON = "The metadata block is not closed by a line of \"---\""
            return Response(
                .badRequest, hub: ["error": message, "errors": [["message": message]], "warnings": []])
        }
        return Response(.ok, hub: ["errors": [], "warnings": []])
    }

    /// GET /api/agent-harnesses: nobody is known.
    static func agentHarnesses(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: ["standardEnvVars": [], "harnesses": [:]])
    }

    /// HEAD /api/telemetry/{topic}
    static func telemetry(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, text: "OK")
    }
}
