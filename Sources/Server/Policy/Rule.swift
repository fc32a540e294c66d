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
