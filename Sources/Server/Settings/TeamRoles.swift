import EventIO
import HTTP

/// The roles that the operator defines for gateway keys: names with rules, as texts. What rules mean is not the settings' business.
struct TeamRoles: Equatable, Sendable {
    struct Role: Equatable, Sendable {
        var allow: [String] = []
        var deny: [String] = []
    }

    fileprivate(set) var roles: [String: Role] = [:]

    static let mostRoles = 1000
    static let mostRules = 100
    static let longestRule = 256
}

extension TeamRoles {
    private static let mappings = NamedMappings(
        setting: "roles", noun: "role", form: "{allow: [...], deny: [...]}", most: mostRoles)

    /// Reads a YAML mapping, as it stands behind `roles:`.
    fileprivate init(_ text: String) throws(ValueError) {
        try Self.mappings.read(
            text, begin: { (name) throws(ValueError) in roles[name] = Role() },
            member: { (name, entry) throws(ValueError) in try take(name, entry) })
        for (name, role) in roles where role.allow.isEmpty && role.deny.isEmpty {
            throw ValueError("gives the role \(name) no rule")
        }
    }

    private mutating func take(_ name: String, _ entry: YAMLScalars.Entry) throws(ValueError) {
        let field: WritableKeyPath<Role, [String]>
        switch entry.path[2] {
        case "allow": field = \.allow
        case "deny": field = \.deny
        case let other: throw ValueError("gives the role \(name) \"\(other.shown)\"; a role has allow and deny")
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

    /// As it can be read again, in one line.
    fileprivate var text: String {
        let entries = roles.sorted { $0.key < $1.key }.map { name, role in
            let lists = [("allow", role.allow), ("deny", role.deny)].filter { !$0.1.isEmpty }
            return "\(name): {"
                + lists.map { "\($0): [\($1.map(YAMLFlow.quoted).joined(separator: ", "))]" }.joined(separator: ", ")
                + "}"
        }
        return entries.isEmpty ? "" : "{\(entries.joined(separator: ", "))}"
    }
}

extension ValueCodec where Value == TeamRoles {
    static var teamRoles: ValueCodec {
        ValueCodec(
            name: "YAML",
            accepted:
                "a YAML mapping of names, each with lists of rules: {NAME: {allow: [RULE, ...], deny: [RULE, ...]}, ...}",
            isMapping: true,
            read: { (text) throws(ValueError) in try TeamRoles(text) },
            text: \.text)
    }
}
