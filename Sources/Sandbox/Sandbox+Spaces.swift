package import HTTP
package import Hub

extension Sandbox {
    /// GET /api/spaces/{id}/secrets: names only, never values.
    package static func secrets(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: try hub.writable(by: call, to: "see the secrets of").settings.secretsJSON)
    }

    package static func setSecret(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call) { settings, body, now throws(SandboxRefusal) in try settings.setSecret(body, at: now)
        }
    }

    package static func deleteSecret(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call) { settings, body, _ throws(SandboxRefusal) in
            settings.removeSecret(try body.string("key"))
        }
    }

    /// GET /api/spaces/{id}/variables
    package static func variables(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: try hub.writable(by: call, to: "see the variables of").settings.variablesJSON)
    }

    package static func setVariable(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.variablesJSON) { settings, body, now throws(SandboxRefusal) in
            try settings.setVariable(body, at: now)
        }
    }

    package static func deleteVariable(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.variablesJSON) { settings, body, _ throws(SandboxRefusal) in
            settings.removeVariable(try body.string("key"))
        }
    }

    /// GET /api/spaces/{id}/runtime
    package static func runtime(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: try hub.repo(of: call).settings.runtimeJSON)
    }

    /// POST /api/spaces/{id}/hardware `{flavor}`
    package static func setHardware(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.runtimeJSON) { settings, body, _ throws(SandboxRefusal) in
            settings.hardware = String(try body.string("flavor").prefix(64))
        }
    }

    /// POST /api/spaces/{id}/sleeptime `{seconds}`
    package static func setSleepTime(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeSpace(call, answer: \.runtimeJSON) { settings, body, _ throws(SandboxRefusal) in
            settings.sleepSeconds = try body.number("seconds")
        }
    }

    /// POST /api/spaces/{id}/pause, without a body
    package static func pause(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.setStage("PAUSED", call)
    }

    /// POST /api/spaces/{id}/restart[?factory=true], without a body
    package static func restart(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.setStage("RUNNING", call)
    }

    private mutating func setStage(_ stage: String, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try writable(by: call, to: "run or stop")
        repo.settings.stage = stage
        repos.update(repo)
        return Response(.ok, hub: repo.settings.runtimeJSON)
    }

    private mutating func changeSpace(
        _ call: SandboxCall, answer: KeyPath<SandboxSpaceSettings, JSON>? = nil,
        _ work: (inout SandboxSpaceSettings, SandboxBody, Int64) throws(SandboxRefusal) -> Void
    ) throws(SandboxRefusal) -> Response {
        var repo = try writable(by: call, to: "change the settings of")
        try makeRoom(for: call.request.body.count)
        try work(&repo.settings, call.body(), now())
        repos.update(repo)
        return Response(.ok, hub: answer.map { repo.settings[keyPath: $0] } ?? [:])
    }
}

/// The environment of a space's program, and how it runs.
package struct SandboxSpaceSettings: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// A secret's value is never shown.
        package let value: String
        package let description: String?
        package let date: Int64

        package init(value: String, description: String?, date: Int64) {
            self.value = value
            self.description = description
            self.date = date
        }
    }

    package private(set) var secrets: [String: Entry] = [:]
    package private(set) var variables: [String: Entry] = [:]
    package var stage = "RUNNING"
    package var hardware = "cpu-basic"
    package var sleepSeconds: Int?

    package static let most = 100
    private static let longestValue = 65_536

    package init() {}

    /// From the order for a new space.
    package init(_ body: SandboxBody, at date: Int64) throws(SandboxRefusal) {
        for secret in try body.objects("secrets", atMost: Self.most) { try setSecret(secret, at: date) }
        for variable in try body.objects("variables", atMost: Self.most) { try setVariable(variable, at: date) }
    }

    package var heldBytes: Int {
        (Array(secrets.values) + variables.values).reduce(0) { $0 + 128 + $1.value.utf8.count }
    }

    package mutating func setSecret(_ body: SandboxBody, at date: Int64) throws(SandboxRefusal) {
        try Self.set(body, in: &secrets, at: date)
    }

    package mutating func setVariable(_ body: SandboxBody, at date: Int64) throws(SandboxRefusal) {
        try Self.set(body, in: &variables, at: date)
    }

    package mutating func removeSecret(_ key: String) { secrets[key] = nil }

    package mutating func removeVariable(_ key: String) { variables[key] = nil }

    private static func set(_ body: SandboxBody, in entries: inout [String: Entry], at date: Int64)
        throws(SandboxRefusal)
    {
        let (key, value) = (try body.string("key"), try body.string("value"))
        guard isKey(key), value.utf8.count <= longestValue else { throw .badRequest("Invalid \"key\" or \"value\"") }
        guard entries[key] != nil || entries.count < most else { throw .full("secrets and variables") }
        entries[key] = Entry(value: value, description: try body.nullableString("description"), date: date)
    }

    /// The name of an environment variable.
    private static func isKey(_ key: String) -> Bool {
        key.utf8.count <= 256 && key.first.map { $0.isLetter || $0 == "_" } ?? false
            && key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    package var secretsJSON: JSON { .object(secrets.mapValues { Self.json($0, key: nil) }) }

    package var variablesJSON: JSON { .object(variables.mapValues { Self.json($0, key: $0.value) }) }

    private static func json(_ entry: Entry, key value: String?) -> JSON {
        var members: [String: JSON] = ["updatedAt": .string(SandboxRepo.timestamp(entry.date))]
        if let value { members["value"] = .string(value) }
        if let description = entry.description { members["description"] = .string(description) }
        return .object(members)
    }

    package var runtimeJSON: JSON {
        [
            "stage": .string(stage), "hardware": ["current": .string(hardware), "requested": .string(hardware)],
            "storage": nil, "gcTimeout": sleepSeconds.map { .integer(Int64($0)) } ?? nil,
            "replicas": ["current": 1, "requested": 1],
        ]
    }
}
