import EventIO
import HTTP

/// The roles that the operator defines for gateway keys: names with rules, as texts. The meaning of rules is not known here.
struct TeamRoles: Equatable, Sendable {
    struct Role: Equatable, Sendable {
        var allow: [String] = []
        var deny: [String] = []
        /// The weight of each key when the Hub's budget is short.
        var weight = 1
        /// Limits of its keys, by name: `rate`, `bytes_a_day`, …
        var limits: [String: String] = [:]
    }

    /// Names of limits. Their meaning is not known here.
    static let limitNames = ["rate", "concurrent", "bytes_a_day", "tokens_a_day", "inference_a_day"]

    fileprivate(set) var roles: [String: Role] = [:]

    static let weights = 1...100
    static let mostRoles = 1000
    static let mostRules = 100
    static let longestRule = 256
}

extension TeamRoles {
    private static let mappings = NamedMappings(
        setting: "roles", noun: "role", form: "{allow: [...], deny: [...]}",
        fields: ["allow", "deny", "weight"] + limitNames, most: mostRoles)

    /// Reads the YAML mapping after `roles:`.
    fileprivate init(_ text: String) throws(ValueError) {
        try Self.mappings.read(
            text, begin: { (name) throws(ValueError) in roles[name] = Role() },
            member: { (name, entry) throws(ValueError) in try take(name, entry) })
        for (name, role) in roles where role.allow.isEmpty && role.deny.isEmpty {
            throw ValueError("gives the role \(name) no rule")
        }
    }

    private mutating func take(_ name: String, _ entry: YAMLScalars.Entry) throws(ValueError) {
        if entry.path[2] == "weight" { return try takeWeight(entry, of: name) }
        let field: WritableKeyPath<Role, [String]>
        switch entry.path[2] {
        case "allow": field = \.allow
        case "deny": field = \.deny
        case let other: return try take(entry, asLimit: other, of: name)
        }
        guard entry.kind != .mapping else {
            throw ValueError("gives the role \(name) a mapping for rules; write a list")
        }
        let rules = entry.values.filter { !$0.isEmpty || entry.kind == .list }
        guard rules.count <= Self.mostRules, rules.allSatisfy({ (1...Self.longestRule).contains($0.utf8.count) }) else {
            throw ValueError(
                "gives the role \(name) too much: at most \(Self.mostRules) rules of 1 to \(Self.longestRule) characters"
            )
        }
        roles[name]?[keyPath: field] = rules
    }

    private mutating func takeWeight(_ entry: YAMLScalars.Entry, of name: String) throws(ValueError) {
        guard entry.kind == .scalar, let weight = Int(entry.value), Self.weights.contains(weight) else {
            throw ValueError("gives the role \(name) a weight that is no whole number from 1 to 100")
        }
        roles[name]?.weight = weight
    }

    private mutating func take(_ entry: YAMLScalars.Entry, asLimit limit: String, of name: String) throws(ValueError) {
        guard entry.kind == .scalar, !entry.value.isEmpty, entry.value.utf8.count <= 32 else {
            throw ValueError("gives the role \(name) no value for \(limit)")
        }
        guard roles[name]?.limits.updateValue(entry.value, forKey: limit) == nil else {
            throw ValueError("gives the role \(name) \(limit) twice")
        }
    }

    /// In the form that `init` reads, on one line.
    fileprivate var text: String {
        let entries = roles.sorted { $0.key < $1.key }.map { name, role in
            let lists = [("allow", role.allow), ("deny", role.deny)].filter { !$0.1.isEmpty }
            let rules = lists.map { "\($0): [\($1.map(YAMLFlow.quoted).joined(separator: ", "))]" }
            let weight = role.weight == 1 ? [] : ["weight: \(role.weight)"]
            let limits = role.limits.sorted { $0.key < $1.key }.map { "\($0): \(YAMLFlow.quoted($1))" }
            return "\(name): {" + (rules + weight + limits).joined(separator: ", ") + "}"
        }
        return entries.isEmpty ? "" : "{\(entries.joined(separator: ", "))}"
    }
}

extension ValueCodec where Value == TeamRoles {
    static var teamRoles: ValueCodec {
        ValueCodec(
            name: "YAML",
            accepted:
                "a YAML mapping of names, each with lists of rules: {NAME: {allow: [RULE, ...], deny: [RULE, ...], weight: 1 to 100}, ...}; "
                + "also for each key \(TeamRoles.limitNames.dropLast().joined(separator: ", ")) and \(TeamRoles.limitNames.last ?? ""), such as rate: 600/m",
            isMapping: true,
            read: { (text) throws(ValueError) in try TeamRoles(text) },
            text: \.text)
    }
}
