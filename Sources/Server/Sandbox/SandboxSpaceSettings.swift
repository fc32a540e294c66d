import Hub

/// What a space's program finds in its environment, and how it runs.
struct SandboxSpaceSettings: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// Of a secret it is never shown.
        let value: String
        let description: String?
        let date: Int64
    }

    private(set) var secrets: [String: Entry] = [:]
    private(set) var variables: [String: Entry] = [:]
    var stage = "RUNNING"
    var hardware = "cpu-basic"
    var sleepSeconds: Int?

    static let most = 100
    private static let longestValue = 65_536

    init() {}

    /// From the order for a new space.
    init(_ body: SandboxBody, at date: Int64) throws(SandboxRefusal) {
        for secret in try body.objects("secrets", atMost: Self.most) { try setSecret(secret, at: date) }
        for variable in try body.objects("variables", atMost: Self.most) { try setVariable(variable, at: date) }
    }

    var heldBytes: Int { (Array(secrets.values) + variables.values).reduce(0) { $0 + 128 + $1.value.utf8.count } }

    mutating func setSecret(_ body: SandboxBody, at date: Int64) throws(SandboxRefusal) {
        try Self.set(body, in: &secrets, at: date)
    }

    mutating func setVariable(_ body: SandboxBody, at date: Int64) throws(SandboxRefusal) {
        try Self.set(body, in: &variables, at: date)
    }

    mutating func removeSecret(_ key: String) { secrets[key] = nil }

    mutating func removeVariable(_ key: String) { variables[key] = nil }

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

    var secretsJSON: JSON { .object(secrets.mapValues { Self.json($0, key: nil) }) }

    var variablesJSON: JSON { .object(variables.mapValues { Self.json($0, key: $0.value) }) }

    private static func json(_ entry: Entry, key value: String?) -> JSON {
        var members: [String: JSON] = ["updatedAt": .string(SandboxRepo.timestamp(entry.date))]
        if let value { members["value"] = .string(value) }
        if let description = entry.description { members["description"] = .string(description) }
        return .object(members)
    }

    var runtimeJSON: JSON {
        [
            "stage": .string(stage), "hardware": ["current": .string(hardware), "requested": .string(hardware)],
            "storage": nil, "gcTimeout": sleepSeconds.map { .integer(Int64($0)) } ?? nil,
            "replicas": ["current": 1, "requested": 1],
        ]
    }
}
