import EventIO
import HTTP

/// The roles that the operator defines for gateway keys: names with rules, as texts. What rules mean is not the settings' business.
struct TeamRoles: Equatable, Sendable {
    struct Role: Equatable, Sendable {
        var allow: [String] = []
        var deny: [String] = []
        /// How much of the Hub's budget each key has where that is short, beside others.
        var weight = 1
    }

    fileprivate(set) var roles: [String: Role] = [:]

    static let weights = 1...100
    static let mostRoles = 1000
    static let mostRules = 100
    static let longestRule = 256

    /// A word for the command line that no rule could be taken for.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isASCIIAlphanumeric, text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy { $0.isASCIIAlphanumeric || "._-".utf8.contains($0) }
    }
}

extension TeamRoles {
    /// Under this name it stands in a file, and in front of what is given elsewhere.
    private static let setting = "roles"

    /// Reads a YAML mapping, as it stands behind `roles:`.
    fileprivate init(_ text: String) throws(ValueError) {
        let entries: [YAMLScalars.Entry]
        do throws(YAMLScalars.Fault) {
            entries = try YAMLScalars.read(Array("\(Self.setting): \(text)".utf8))
        } catch {
            throw ValueError("is no YAML mapping: \(error.reason)")
        }
        guard let first = entries.first, first.kind == .mapping, entries.allSatisfy({ $0.key == Self.setting }) else {
            throw ValueError("is no mapping of names")
        }
        for entry in entries.dropFirst() {
            switch entry.path.count {
            case 2: try begin(entry)
            case 3: try take(entry)
            default: throw ValueError("is more than one mapping")
            }
        }
        guard roles.count <= Self.mostRoles else { throw ValueError("has more than \(Self.mostRoles) roles") }
        for (name, role) in roles where role.allow.isEmpty && role.deny.isEmpty {
            throw ValueError("gives the role \(name) no rule")
        }
    }

    private mutating func begin(_ entry: YAMLScalars.Entry) throws(ValueError) {
        let name = entry.path[1]
        guard Self.isName(name) else {
            throw ValueError(
                "has the role \"\(name.shown)\", which is no name: letters, digits, ., _ and -, at most 64")
        }
        guard entry.kind == .mapping else {
            throw ValueError("gives the role \(name) no mapping; write {allow: [...], deny: [...]}")
        }
        guard roles.updateValue(Role(), forKey: name) == nil else { throw ValueError("has the role \(name) twice") }
    }

    private mutating func take(_ entry: YAMLScalars.Entry) throws(ValueError) {
        let name = entry.path[1]
        if entry.path[2] == "weight" { return try takeWeight(entry, of: name) }
        let field: WritableKeyPath<Role, [String]>
        switch entry.path[2] {
        case "allow": field = \.allow
        case "deny": field = \.deny
        case let other: throw ValueError("gives the role \(name) \"\(other.shown)\"; a role has allow, deny and weight")
        }
        guard entry.kind != .mapping else {
            throw ValueError("gives the role \(name) a mapping for rules; write a list")
        }
        guard roles[name]?[keyPath: field].isEmpty == true else {
            throw ValueError("gives the role \(name) \(entry.path[2]) twice")
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

    /// As it can be read again, in one line.
    fileprivate var text: String {
        let entries = roles.sorted { $0.key < $1.key }.map { name, role in
            let lists = [("allow", role.allow), ("deny", role.deny)].filter { !$0.1.isEmpty }
            return "\(name): {"
                + (lists.map { "\($0): [\($1.map(YAMLFlow.quoted).joined(separator: ", "))]" }
                + (role.weight == 1 ? [] : ["weight: \(role.weight)"])).joined(separator: ", ")
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
                "a YAML mapping of names, each with lists of rules: {NAME: {allow: [RULE, ...], deny: [RULE, ...], weight: 1 to 100}, ...}",
            isMapping: true,
            read: { (text) throws(ValueError) in try TeamRoles(text) },
            text: \.text)
    }
}

/// YAML in one line.
enum YAMLFlow {
    /// What lies below a mapping, as one text that says the same.
    static func text(_ entries: ArraySlice<YAMLScalars.Entry>, below depth: Int = 1) -> String {
        var parts: [String] = []
        var index = entries.startIndex
        while index < entries.endIndex {
            let entry = entries[index]
            let rest = entries[(index + 1)...]
            let inner = rest.prefix { $0.path.count > depth + 1 }
            let value =
                switch entry.kind {
                case .scalar: quoted(entry.value)
                case .list: "[\(entry.values.map(quoted).joined(separator: ", "))]"
                case .mapping: text(inner, below: depth + 1)
                }
            parts.append("\(quoted(entry.path[depth])): \(value)")
            index = inner.endIndex
        }
        return "{\(parts.joined(separator: ", "))}"
    }

    /// In double quotes (YAML 1.1 section 5.6.2), so that nothing in it is taken for structure.
    static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                "\\x" + String(scalar.value + 0x100, radix: 16).dropFirst()
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
