import EventIO
import HTTP

/// Rules for logins in the form of the settings.
extension LoginRules {
    private static let mappings = NamedMappings(
        setting: "logins", noun: "login", form: "{issuer: ..., claims: [...], role: ...}",
        fields: LoginRule.members, most: most)

    /// Reads the YAML mapping after `logins:`.
    fileprivate init(_ text: String) throws(ValueError) {
        rules = try Self.mappings.read(text, as: { LoginRule(name: $0) }) { (rule, entry) throws(ValueError) in
            try rule.take(entry)
        }
        for rule in rules { try rule.check() }
    }

    /// In the form that `init` reads, on one line.
    fileprivate var text: String {
        guard !rules.isEmpty else { return "" }
        return "{\(rules.map { "\($0.name): {\($0.text)}" }.joined(separator: ", "))}"
    }
}

extension LoginRule {
    fileprivate static let members = [
        "issuer", "audience", "claims", "role", "as", "lifetime", "keys", "keys_per_subject", "jwks_file", "jwks_url",
    ]

    /// Takes one member. The error continues "gives the login NAME MEMBER, which".
    fileprivate mutating func take(_ entry: YAMLScalars.Entry) throws(ValueError) {
        let member = entry.path[2]
        guard entry.kind != .mapping else { throw ValueError("is a mapping") }
        guard entry.values.allSatisfy({ (1...Self.longestText).contains($0.utf8.count) }), !entry.values.isEmpty else {
            throw ValueError("is empty, or has more than \(Self.longestText) characters")
        }
        switch member {
        case "audience":
            guard entry.values.count <= Self.mostConditions else { throw ValueError("has too many") }
            audiences = entry.values
        case "claims": claims = try Self.conditions(entry.values)
        default:
            guard entry.kind == .scalar else { throw ValueError("is a list; give one value") }
            try take(member, entry.value)
        }
    }

    private mutating func take(_ member: String, _ value: String) throws(ValueError) {
        switch member {
        case "issuer": issuer = value
        case "role": role = value
        case "as":
            guard CredentialsDirectory.isName(value) else {
                throw ValueError("is not the name of a file of credentials_dir")
            }
            credential = value
        case "lifetime":
            let range = Duration.seconds(60)...Duration.seconds(Self.longestLifetime)
            lifetime = try ValueCodec<Duration>.duration(range).read(value).components.seconds
        case "keys": mostKeys = try ValueCodec<Int>.count(1...Self.mostKeysOfAny).read(value)
        case "keys_per_subject": ownKeysOfSubject = try ValueCodec<Int>.count(1...Self.mostKeysOfAny).read(value)
        case "jwks_url":
            _ = try Self.address(value)
            try choose(.url(value))
        default:
            try choose(.file(try ValueCodec<String>.path.read(value), []))
        }
    }

    private mutating func choose(_ source: KeySource) throws(ValueError) {
        guard keySource == .discovery else { throw ValueError("stands beside another place of the keys; give one") }
        keySource = source
    }

    private static func conditions(_ texts: [String]) throws(ValueError) -> [ClaimCondition] {
        guard texts.count <= mostConditions else { throw ValueError("has more than \(mostConditions) conditions") }
        var conditions: [ClaimCondition] = []
        for text in texts {
            guard let condition = ClaimCondition(text) else {
                throw ValueError("has \"\(text.shown)\"; write name=value, or name~pattern")
            }
            conditions.append(condition)
        }
        return conditions
    }

    /// Checks a rule that was read to its end.
    fileprivate func check() throws(ValueError) {
        guard !issuer.isEmpty else { throw ValueError("gives the login \(name) no issuer") }
        guard !role.isEmpty else { throw ValueError("gives the login \(name) no role") }
        guard claims.contains(where: { !$0.isVoid }) else {
            throw ValueError(
                "gives the login \(name) no claims, so every workload of the issuer would get a key; name whose, as in claims: [\"sub=repo:acme/app:ref:refs/heads/main\"]"
            )
        }
        guard keySource == .discovery else { return }
        do throws(ValueError) {
            _ = try Self.address(issuer)
        } catch {
            throw ValueError(
                "gives the login \(name) an issuer that \(error.reason), where its keys could be fetched; or give jwks_file"
            )
        }
    }

    /// An address from which keys can be fetched.
    static func address(_ text: String) throws(ValueError) -> UpstreamAddress {
        let address = try UpstreamAddress(reading: text)
        guard address.scheme == .https || address.isLoopback else { throw ValueError("is no https address") }
        return address
    }

    /// The address that the gateway calls for the keys; nil: none.
    var calledAddress: UpstreamAddress? {
        switch keySource {
        case .discovery: try? Self.address(issuer)
        case .url(let text): try? Self.address(text)
        case .file: nil
        }
    }

    fileprivate var text: String {
        var members = [
            ("issuer", YAMLFlow.quoted(issuer)),
            ("claims", "[\(claims.map { YAMLFlow.quoted($0.text) }.joined(separator: ", "))]"),
            ("role", YAMLFlow.quoted(role)),
        ]
        if !audiences.isEmpty {
            members.append(("audience", "[\(audiences.map(YAMLFlow.quoted).joined(separator: ", "))]"))
        }
        if let credential { members.append(("as", YAMLFlow.quoted(credential))) }
        if lifetime != 3600 { members.append(("lifetime", "\(lifetime)s")) }
        if mostKeys != 1000 { members.append(("keys", "\(mostKeys)")) }
        if let ownKeysOfSubject { members.append(("keys_per_subject", "\(ownKeysOfSubject)")) }
        switch keySource {
        case .discovery: break
        case .url(let text): members.append(("jwks_url", YAMLFlow.quoted(text)))
        case .file(let path, _): members.append(("jwks_file", YAMLFlow.quoted(path)))
        }
        return members.map { "\($0): \($1)" }.joined(separator: ", ")
    }
}

extension ValueCodec where Value == LoginRules {
    static var loginRules: ValueCodec {
        ValueCodec(
            name: "YAML",
            accepted:
                "a YAML mapping of names: {NAME: {issuer: URL, audience: [TEXT, ...], claims: [CLAIM=VALUE, CLAIM~PATTERN, ...], "
                + "role: ROLE, as: CREDENTIAL, lifetime: TIME, keys: NUMBER, keys_per_subject: NUMBER, jwks_file: PATH, jwks_url: URL}, ...}",
            isMapping: true,
            read: { (text) throws(ValueError) in try LoginRules(text) },
            text: \.text)
    }
}

extension SettingsReading {
    /// Reads each `jwks_file`, and gives rules without an audience the gateway's own address.
    mutating func readLogins() {
        if settings.loginRole != nil, settings.access != .keys {
            refuse(
                "login_role",
                "takes access = keys: what a device gets by login is a gateway key; set that, or leave login_role out")
        }
        var sources: [String: KeySource] = [:]
        for index in settings.logins.rules.indices {
            let rule = settings.logins.rules[index]
            if case .file(let path, _) = rule.keySource, let content = content(at: path, for: "logins") {
                settings.logins.rules[index].keySource = .file(path, content)
            }
            if let other = sources.updateValue(rule.keySource, forKey: rule.issuer), other != rule.keySource {
                refuse("logins", "the logins of \(rule.issuer.shown) have their keys in two places; give each the same")
            }
            guard rule.audiences.isEmpty else { continue }
            guard let address = settings.publicURL?.description else {
                refuse("logins", "the login \(rule.name) has no audience; give it one, or set public_url")
                continue
            }
            settings.logins.rules[index].audiences = [address]
        }
    }
}

extension Settings {
    /// A warning at the start, where logins are set and cannot work; else nil. That is no error: a file may be for several gateways.
    var loginWarning: String? {
        guard access != .keys, !logins.rules.isEmpty else { return nil }
        return
            "logins give gateway keys, and have no effect with access = \(access.rawValue): set access to keys."
    }
}
