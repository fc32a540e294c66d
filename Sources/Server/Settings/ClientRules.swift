import EventIO
import HTTP

/// The rules by which a client's certificate makes it a principal, from `client_certificates`. The meaning of a role is not known here.
struct ClientRules: Equatable, Sendable {
    /// In the order of the file: the first rule that matches counts.
    var rules: [ClientRule] = []

    static let most = 1000
}

/// Which certificates a rule is for, and what their holders may do.
struct ClientRule: Equatable, Sendable {
    let name: String
    /// All of them have to match, each one of the certificate's names.
    var names: [ClaimCondition] = []
    var role = ""
    /// The name of a file of `credentials_dir`; nil: the gateway's own token.
    var credential: String?
    /// In the form of keys' rates; nil for no limit.
    var rate: String?

    /// The kinds of names: the subject as RFC 4514 writes it, and alternative names (RFC 5280 section 4.2.1.6).
    static let kinds = ["subject", "dns", "uri", "email"]
    fileprivate static let members = ["names", "role", "as", "rate"]
    private static let mostNames = 20
    private static let longest = 1024
}

extension ClientRules {
    private static let mappings = NamedMappings(
        setting: "client_certificates", noun: "rule", form: #"{names: ["dns=build.acme.example"], role: reader}"#,
        fields: ClientRule.members, most: most)

    /// Reads the YAML mapping after `client_certificates:`.
    fileprivate init(_ text: String) throws(ValueError) {
        rules = try Self.mappings.read(text, as: { ClientRule(name: $0) }) { (rule, entry) throws(ValueError) in
            try rule.take(entry)
        }
        for rule in rules {
            guard !rule.names.isEmpty else { throw ValueError("gives the rule \(rule.name) no names") }
            guard !rule.role.isEmpty else { throw ValueError("gives the rule \(rule.name) no role") }
        }
    }

    /// In the form that `init` reads, on one line.
    fileprivate var text: String {
        guard !rules.isEmpty else { return "" }
        return "{\(rules.map { "\($0.name): {\($0.text)}" }.joined(separator: ", "))}"
    }
}

extension ClientRule {
    /// Takes one member. The error continues "gives the rule NAME MEMBER, which".
    fileprivate mutating func take(_ entry: YAMLScalars.Entry) throws(ValueError) {
        guard entry.kind != .mapping else { throw ValueError("is a mapping") }
        guard !entry.values.isEmpty, entry.values.allSatisfy({ (1...Self.longest).contains($0.utf8.count) }) else {
            throw ValueError("is empty, or has more than \(Self.longest) characters")
        }
        guard entry.path[2] != "names" else {
            names = try Self.conditions(entry.values)
            return
        }
        guard entry.kind == .scalar else { throw ValueError("is a list; give one value") }
        try take(entry.path[2], entry.value)
    }

    private mutating func take(_ member: String, _ value: String) throws(ValueError) {
        switch member {
        case "role": role = value
        case "as":
            guard CredentialsDirectory.isName(value) else {
                throw ValueError("is not the name of a file of credentials_dir")
            }
            credential = value
        default: rate = value
        }
    }

    private static func conditions(_ texts: [String]) throws(ValueError) -> [ClaimCondition] {
        guard texts.count <= mostNames else { throw ValueError("has more than \(mostNames) conditions") }
        var conditions: [ClaimCondition] = []
        for text in texts {
            guard let condition = ClaimCondition(text), kinds.contains(condition.name) else {
                throw ValueError(
                    "has \"\(text.shown)\"; write KIND=NAME or KIND~PATTERN, with \(kinds.joined(separator: ", ")) as the kind"
                )
            }
            conditions.append(condition)
        }
        return conditions
    }

    fileprivate var text: String {
        var members = [
            ("names", "[\(names.map { YAMLFlow.quoted($0.text) }.joined(separator: ", "))]"),
            ("role", YAMLFlow.quoted(role)),
        ]
        if let credential { members.append(("as", YAMLFlow.quoted(credential))) }
        if let rate { members.append(("rate", YAMLFlow.quoted(rate))) }
        return members.map { "\($0): \($1)" }.joined(separator: ", ")
    }
}

extension ValueCodec where Value == ClientRules {
    static var clientRules: ValueCodec {
        ValueCodec(
            name: "YAML",
            accepted:
                "a YAML mapping of names: {NAME: {names: [KIND=NAME, KIND~PATTERN, ...], role: ROLE, as: CREDENTIAL, rate: NUMBER/UNIT}, ...}",
            isMapping: true,
            read: { (text) throws(ValueError) in try ClientRules(text) },
            text: \.text)
    }
}

extension Settings {
    /// Nil where clients are not asked for certificates: without `access = keys` these would have no effect.
    var clientFiles: TLSContext.ClientFiles? {
        guard access == .keys, let clientAuthorities else { return nil }
        return TLSContext.ClientFiles(authorities: clientAuthorities, revocationLists: clientRevocationLists)
    }

    /// A warning at the start, where certificates of clients are set and have no effect; else nil.
    var clientWarning: String? {
        guard access != .keys, clientAuthorities != nil else { return nil }
        return
            "client_ca and client_certificates have no effect with access = \(access.rawValue): set access to keys."
    }
}
