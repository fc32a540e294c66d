import Hub

extension Sandbox {
    /// GET /api/spaces/{id}/secrets: their names, never their values.
    static func secrets(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: try hub.writable(by: call, to: "see the secrets of").settings.secretsJSON)
    }

    static func setSecret(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call) { settings, body, now throws(SandboxRefusal) in try settings.setSecret(body, at: now)
        }
    }

    static func deleteSecret(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call) { settings, body, _ throws(SandboxRefusal) in
            settings.removeSecret(try body.string("key"))
        }
    }

    /// GET /api/spaces/{id}/variables
    static func variables(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: try hub.writable(by: call, to: "see the variables of").settings.variablesJSON)
    }

    static func setVariable(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.variablesJSON) { settings, body, now throws(SandboxRefusal) in
            try settings.setVariable(body, at: now)
        }
    }

    static func deleteVariable(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.variablesJSON) { settings, body, _ throws(SandboxRefusal) in
            settings.removeVariable(try body.string("key"))
        }
    }

    /// GET /api/spaces/{id}/runtime
    static func runtime(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: try hub.repo(of: call).settings.runtimeJSON)
    }

    /// POST /api/spaces/{id}/hardware `{flavor}`
    static func setHardware(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.runtimeJSON) { settings, body, _ throws(SandboxRefusal) in
            settings.hardware = String(try body.string("flavor").prefix(64))
        }
    }

    /// POST /api/spaces/{id}/sleeptime `{seconds}`
    static func setSleepTime(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.runtimeJSON) { settings, body, _ throws(SandboxRefusal) in
            settings.sleepSeconds = try body.number("seconds")
        }
    }

    /// POST /api/spaces/{id}/pause, without a body
    static func pause(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.setStage("PAUSED", call)
    }

    /// POST /api/spaces/{id}/restart[?factory=true], without a body
    static func restart(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.setStage("RUNNING", call)
    }

    private mutating func setStage(_ stage: String, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try writable(by: call, to: "run or stop")
        repo.settings.stage = stage
        shelf.update(repo)
        return Response(.ok, hub: repo.settings.runtimeJSON)
    }

    private mutating func changeSpace(
        _ call: SandboxCall, answer: KeyPath<SandboxSpaceSettings, JSON>? = nil,
        _ work: (inout SandboxSpaceSettings, SandboxBody, Int64) throws(SandboxRefusal) -> Void
    ) throws(SandboxRefusal) -> Response {
        var repo = try writable(by: call, to: "change the settings of")
        try makeRoom(for: call.request.body.count)
        try work(&repo.settings, call.body(), now())
        shelf.update(repo)
        return Response(.ok, hub: answer.map { repo.settings[keyPath: $0] } ?? [:])
    }
}
