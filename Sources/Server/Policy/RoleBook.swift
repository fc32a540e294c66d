import Hub

/// What each role means: the presets, and those of the setting `roles`. A role of the settings never has a preset's name.
struct RoleBook: Sendable {
    private var defined: [String: [Rule]] = [:]
    private var weights: [String: Int] = [:]
    private var rates: [String: RequestRate] = [:]
    private var limits: [String: KeyLimits] = [:]
    /// Why a role of the settings cannot be used, by its name; none of them is defined.
    private(set) var faults: [String: String] = [:]

    /// The presets alone.
    static let presets = RoleBook(TeamRoles())

    init(_ roles: TeamRoles) {
        for (name, role) in roles.roles {
            do throws(RuleError) {
                try takeLimits(name, role)
                defined[name] = try Self.rules(name, role)
                weights[name] = role.weight
            } catch {
                faults[name] = error.reason
            }
        }
    }

    /// All names that a caller may choose: the presets first.
    var names: [String] { Preset.allCases.map(\.rawValue) + defined.keys.sorted() }

    /// Nil for a role that does not exist.
    func rules(of name: String) -> [Rule]? {
        // An action's name is no role, though a rule could begin with it.
        if Preset(rawValue: name) != nil, let rule = try? Rule("\(name) *") { return [rule] }
        return defined[name]
    }

    /// A preset's is 1.
    func weight(of name: String) -> Int { weights[name] ?? 1 }

    /// The rate of its keys that have none of their own; nil: no limit.
    func rate(of name: String) -> RequestRate? { rates[name] }

    /// The limits of its keys, where they have none of their own.
    func limits(of name: String) -> KeyLimits { limits[name] ?? KeyLimits() }

    private mutating func takeLimits(_ name: String, _ role: TeamRoles.Role) throws(RuleError) {
        var found = KeyLimits()
        for (setting, text) in role.limits {
            if setting == "rate" {
                guard let rate = RequestRate(text) else {
                    throw RuleError("the role \(name), rate \(RuleError.shown(text)): it is no rate such as 600/m")
                }
                rates[name] = rate
            } else if let limit = KeyLimit.allCases.first(where: { $0.settingName == setting }) {
                guard let amount = limit.amount(text) else {
                    throw RuleError(
                        "the role \(name), \(setting) \(RuleError.shown(text)): it has to be \(limit.accepted)")
                }
                found[limit] = amount
            }
        }
        limits[name] = found
    }

    private static func rules(_ name: String, _ role: TeamRoles.Role) throws(RuleError) -> [Rule] {
        guard Preset(rawValue: name) == nil else {
            throw RuleError("\(name) is a preset, which every gateway has; give it another name")
        }
        guard HubAction(name: name) == nil, name != "all" else {
            throw RuleError("\(name) is the name of an action; give it another name")
        }
        var rules: [Rule] = []
        for (effect, texts) in [(Rule.Effect.allow, role.allow), (.deny, role.deny)] {
            for text in texts {
                do throws(RuleError) {
                    rules.append(try Rule(text, listed: effect))
                } catch {
                    throw RuleError("the role \(name), \(effect.rawValue) \(RuleError.shown(text)): \(error.reason)")
                }
            }
        }
        return rules
    }
}

extension Rule {
    /// A rule in a list of rules that allow, or of rules that deny: it must not say the opposite.
    init(_ text: String, listed effect: Effect) throws(RuleError) {
        try self.init(text, effect: effect)
        guard self.effect == effect else {
            throw RuleError(
                "it begins with \"\(self.effect.rawValue)\", and stands among the rules to \(effect.rawValue)")
        }
    }
}

extension SettingsReading {
    /// Notes what is wrong with the rules of `roles`.
    mutating func checkRoles() {
        for (_, reason) in RoleBook(settings.roles).faults.sorted(by: { $0.key < $1.key }) { refuse("roles", reason) }
    }
}
