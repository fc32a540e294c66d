import HTTP
import Hub

/// The narrowest rules that allow what a key was observed to do.
struct SuggestedRules: Sendable, Equatable {
    /// Texts of rules that allow.
    let rules: [String]
    /// The rules for what belongs to an owner as a whole, such as jobs: they cover all of the owner's repositories, too.
    let wide: [String]
    /// Acts that none of them allows: only a rule for everything would.
    let beyond: [Observation]

    /// Names are kept as they were asked for; more than `limit` names of one owner with the same beginning become one pattern.
    init(_ observations: some Sequence<Observation>, globAbove limit: Int) {
        var actions: [Place: HubActions] = [:]
        var anywhere = HubActions.none
        var beyond: [Observation] = []
        for one in observations {
            switch one.pattern {
            case "": anywhere.insert(HubActions(one.action))
            case Observation.inexpressible: beyond.append(one)
            default:
                actions[Place(pattern: one.pattern, isInference: one.action == .infer), default: .none]
                    .insert(HubActions(one.action))
            }
        }
        var groups: [Group: [String]] = [:]
        for (place, actions) in actions {
            let (prefix, name) = Self.divided(place.pattern)
            groups[Group(prefix: prefix, isInference: place.isInference, actions: actions), default: []].append(name)
        }
        var rules = groups.flatMap { group, names in
            Self.patterns(names, above: limit).map { Line(pattern: group.prefix + $0, actions: group.actions) }
        }
        rules.sort { ($0.pattern, $0.actions.rawValue) < ($1.pattern, $1.actions.rawValue) }
        for action in anywhere.elements {
            let added = HubActions(action)
            // A rule for models alone may have patterns that other rules may not.
            if let place = rules.firstIndex(where: { ($0.actions == HubActions(.infer)) == (action == .infer) }) {
                rules[place].actions.formUnion(added)
            } else if action == .search || action == .read {
                rules.append(Line(pattern: "public", actions: added))
            } else {
                beyond.append(Observation(action: action, pattern: ""))
            }
        }
        self.rules = rules.map(\.text)
        wide = rules.filter { $0.pattern.hasSuffix("/*") }.map(\.text)
        self.beyond = beyond.sorted { ($0.action.name, $0.pattern) < ($1.action.name, $1.pattern) }
    }

    private struct Place: Hashable {
        let pattern: String
        let isInference: Bool
    }

    private struct Group: Hashable {
        /// Kind and owner, with the slash.
        let prefix: String
        let isInference: Bool
        let actions: HubActions
    }

    private struct Line {
        let pattern: String
        var actions: HubActions

        var text: String { "\(actions.names) \(pattern)" }
    }

    private static func divided(_ pattern: String) -> (prefix: String, name: String) {
        guard let slash = pattern.lastIndex(of: "/") else { return ("", pattern) }
        return (String(pattern[...slash]), String(pattern[pattern.index(after: slash)...]))
    }

    /// The names; many that begin with the same word become one pattern.
    private static func patterns(_ names: [String], above limit: Int) -> [String] {
        var patterns: [String] = []
        for (word, alike) in Dictionary(grouping: names, by: firstWord) {
            guard alike.count > limit, !word.isEmpty else {
                patterns += alike
                continue
            }
            patterns.append(commonPrefix(alike) + "*")
        }
        return patterns
    }

    /// Up to the first separator, with it, or up to the first digit.
    private static func firstWord(_ name: String) -> String {
        var word: [UInt8] = []
        for byte in name.utf8 {
            if (0x30...0x39).contains(byte) { break }
            word.append(byte)
            if "-_.".utf8.contains(byte) { break }
        }
        return String(decoding: word, as: UTF8.self)
    }

    private static func commonPrefix(_ names: [String]) -> String {
        guard let first = names.first else { return "" }
        return names.dropFirst().reduce(first) { common, name in
            String(zip(common, name).prefix { $0 == $1 }.map(\.0))
        }
    }
}
