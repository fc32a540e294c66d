import Hub

/// Whether one set of rules allows no more than another, as far as that can be seen without knowing which names match a pattern.
enum RoleCover {
    /// True only where it is certain: each rule of `rules` has its actions allowed by rules of `others` with the same pattern or for everything,
    /// and what `others` denies is denied by `rules` as well.
    static func covers(_ others: [Rule], _ rules: [Rule]) -> Bool {
        let allows = rules.allSatisfy { rule in
            guard rule.effect == .allow else { return true }
            let actions = others.filter { $0.effect == .allow && ($0.pattern.isAll || $0.pattern == rule.pattern) }
                .reduce(HubActions.none) { $0.union($1.actions) }
            return rule.actions.isSubset(of: actions)
        }
        let denies = others.allSatisfy { other in
            guard other.effect == .deny else { return true }
            return rules.contains {
                $0.effect == .deny && $0.pattern == other.pattern && other.actions.isSubset(of: $0.actions)
            }
        }
        return allows && denies
    }
}
