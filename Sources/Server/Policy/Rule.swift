import HTTP
import Hub

/// One line of what a key may or may not do: `read acme/*`, `write,create model:acme/team-a-*`, `deny delete *`.
struct Rule: Sendable, Hashable {
    enum Effect: String, Sendable { case allow, deny }

    let effect: Effect
    let actions: HubActions
    let pattern: ResourcePattern

    /// Reads `[allow|deny] ACTIONS PATTERN`. Actions are names of `HubAction`, presets or `all`, with commas between them; `effect` counts where
    /// the text names none.
    init(_ text: String, effect: Effect = .allow) throws(RuleError) {
        guard text.utf8.count <= 512 else { throw RuleError("a rule has at most 512 characters") }
        var words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        var effect = effect
        if let first = words.first, let named = Effect(rawValue: first) {
            effect = named
            words.removeFirst()
        }
        guard let first = words.first else {
            throw RuleError("it is empty; write what is allowed, as in \"read acme/*\"")
        }
        let actions = try Self.actions(first)
        guard words.count >= 2 else {
            throw RuleError(
                "it has no pattern; write for what, as in \"\(first) acme/*\", or \"\(first) *\" for everything")
        }
        guard words.count == 2 else {
            throw RuleError(
                "it has more than actions and a pattern; write actions with commas and no blanks, and one rule for each pattern"
            )
        }
        let pattern = try ResourcePattern(words[1], isOfModels: actions == HubActions(.infer))
        try self.init(effect, actions, pattern)
    }

    init(_ effect: Effect, _ actions: HubActions, _ pattern: ResourcePattern) throws(RuleError) {
        if pattern.isPublic {
            guard effect == .allow else { throw RuleError("\"public\" cannot be denied; deny a pattern of names") }
            guard actions.isSubset(of: [HubActions(.read), HubActions(.search)]) else {
                throw RuleError(
                    "\"public\" goes with read and search only: it is asked of the Hub without a credential")
            }
        }
        self.effect = effect
        self.actions = actions
        self.pattern = pattern
    }

    private static func actions(_ text: String) throws(RuleError) -> HubActions {
        var actions = HubActions.none
        for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            if let action = HubAction(name: name) {
                actions.insert(HubActions(action))
            } else if let preset = Preset(rawValue: name) {
                actions.formUnion(preset.actions)
            } else if name == "all" {
                actions = .all
            } else {
                let names = HubAction.allCases.map(\.name) + Preset.allCases.map(\.rawValue) + ["all"]
                throw RuleError(
                    name.isEmpty
                        ? "there is a comma without an action beside it"
                        : "there is no action \(RuleError.shown(name))\(Suggestion.text(for: name, among: names)); actions: "
                            + names.joined(separator: ", "))
            }
        }
        return actions
    }
}

extension Rule: CustomStringConvertible {
    /// As it can be read again, with the effect always there.
    var description: String { "\(effect.rawValue) \(actions == .all ? "all" : actions.names) \(pattern)" }
}

/// Sets of actions that people need, by name. Each has what the one before has.
enum Preset: String, CaseIterable, Sendable {
    case reader, writer, maintainer, admin, inference

    var actions: HubActions {
        switch self {
        case .reader: [HubActions(.read), HubActions(.search)]
        case .writer: Preset.reader.actions.union([HubActions(.write), HubActions(.discuss)])
        // Not delete, publish and spend: what cannot be undone has to be asked for by name.
        case .maintainer: Preset.writer.actions.union([HubActions(.create), HubActions(.move), HubActions(.settings)])
        case .admin: .all
        case .inference: HubActions(.infer)
        }
    }
}

/// Named sets of rules, for teams.
struct Roles: Sendable, Equatable {
    private let rules: [String: [Rule]]

    static let none = Roles([:])

    private init(_ rules: [String: [Rule]]) { self.rules = rules }

    /// `texts` are rules by the name of their role. Throws with the name of the role and the rule that is wrong.
    init(texts: [String: [String]]) throws(RuleError) {
        var rules: [String: [Rule]] = [:]
        for (name, texts) in texts {
            let isName =
                !name.isEmpty && name.utf8.count <= 64
                && name.utf8.allSatisfy {
                    $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
            guard isName else {
                throw RuleError(
                    "the role \(RuleError.shown(name)) has a bad name; use small letters, digits, \"-\" and \"_\"")
            }
            let isTaken =
                HubAction(name: name) != nil || Preset(rawValue: name) != nil
                || ["all", "allow", "deny", "public"].contains(name)
            guard !isTaken else {
                throw RuleError("a role cannot be called \(RuleError.shown(name)), which means something else")
            }
            var found: [Rule] = []
            for text in texts {
                do throws(RuleError) {
                    found.append(try Rule(text))
                } catch {
                    throw RuleError(
                        "in the role \"\(name)\" the rule \(RuleError.shown(text)) cannot be read: \(error)")
                }
            }
            rules[name] = found
        }
        self.rules = rules
    }

    /// The rules of a text: those of a role where it is the name of one, else the one that it is.
    func rules(_ text: String, effect: Rule.Effect = .allow) throws(RuleError) -> [Rule] {
        if let role = rules[text] {
            guard effect == .allow else { throw RuleError("a role cannot be denied; deny actions and a pattern") }
            return role
        }
        do throws(RuleError) {
            return [try Rule(text, effect: effect)]
        } catch {
            guard !text.contains(" "), !rules.isEmpty else { throw error }
            let suggestion = Suggestion.text(for: text, among: rules.keys.sorted())
            guard !suggestion.isEmpty else { throw error }
            throw RuleError("there is no role \(RuleError.shown(text))\(suggestion)")
        }
    }
}

extension UInt8 {
    fileprivate var isASCIILowercaseOrDigit: Bool { (0x61...0x7A).contains(self) || (0x30...0x39).contains(self) }
}
