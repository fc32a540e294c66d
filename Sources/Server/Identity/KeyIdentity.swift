/// Who asks, by a gateway key.
struct KeyIdentity: Sendable {
    let publicID: Int64
    let name: String
    let grant: SharedGrant
}

/// What many keys may do alike, with one reference to count and not one for each text in it.
final class SharedGrant: Sendable {
    let grant: KeyGrant
    let scope: Scope
    /// Why nothing may be done with it, as a sentence for operators; nil where its rules are good.
    let fault: String?
    /// Which roles it was made with.
    let rolesNumber: Int

    /// Nothing is allowed where one of the rules cannot be read, or the role is not there: it may be the one that denies.
    init(_ grant: KeyGrant, _ roles: RoleBook = .presets, number: Int = 0) {
        self.grant = grant
        rolesNumber = number
        do throws(RuleError) {
            scope = Scope(try grant.rules(roles))
            fault = nil
        } catch {
            scope = Scope([])
            fault = error.reason
        }
    }
}

extension KeyGrant {
    /// Its rules, and those of its role. Throws for one that cannot be read, and for a role that is not in `roles`.
    func rules(_ roles: RoleBook) throws(RuleError) -> [Rule] {
        var rules: [Rule] = []
        if let role {
            guard let found = roles.rules(of: role) else {
                throw RuleError("its role \(RuleError.shown(role)) is not defined in the setting roles")
            }
            rules = found
        }
        for text in allow { rules.append(try Rule(text, listed: .allow)) }
        for text in deny { rules.append(try Rule(text, listed: .deny)) }
        return rules
    }
}
