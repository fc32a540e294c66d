import EventIO

/// A caller that was identified by a gateway key.
struct KeyIdentity: Sendable {
    /// The number of its row.
    let number: Int64
    let publicID: Int64
    let name: String
    let grant: SharedGrant
    /// In seconds since 1970, when it has to be looked up again; the highest number: never.
    var expires: Int64 = .max
    /// Identifies the secret that was shown; nil where none was, or where it does not matter which.
    var secret: UInt64?
}

extension KeyIdentity {
    var mark: KeyMark { KeyMark(id: publicID, rights: grant.digest) }
}

/// The rights that many keys have in common: one reference is counted, and not one for each text in them.
final class SharedGrant: Sendable {
    let grant: KeyGrant
    let scope: Scope
    /// Nil: no limit on the rate.
    let rate: RequestRate?
    /// Its weight when the Hub's budget is shared out; from its role.
    let weight: Int
    /// Nil: no limits.
    let limits: KeyLimits?
    /// Nil: the setting's. A policy that this version does not know counts as enforce.
    let policy: KeyPolicy?
    /// Whether it was made with rules that refuse nothing, by its own policy or the setting's.
    private let isShadow: Bool
    /// Of everything that decides what the key may do, and with which credential: other rights have another digest. Name, secret and rate do not count.
    let digest: UInt64
    /// Why nothing may be done with it, as a sentence for operators; nil where its rules are good.
    let fault: String?
    /// Which roles it was made with.
    let rolesNumber: Int

    /// Nothing is allowed where a rule cannot be read, or the role does not exist: it may be a rule that denies.
    /// `setting` is the policy of keys that have none of their own.
    init(_ grant: KeyGrant, _ roles: RoleBook = .presets, policy setting: KeyPolicy = .enforce, number: Int = 0) {
        self.grant = grant
        rolesNumber = number
        policy = grant.policy.map { KeyPolicy(rawValue: $0) ?? .enforce }
        isShadow = (policy ?? setting) == .shadow
        weight = grant.role.map { roles.weight(of: $0) } ?? 1
        rate = grant.rate.flatMap { RequestRate($0) } ?? grant.role.flatMap { roles.rate(of: $0) }
        let own: KeyLimits? = grant.limits.map { KeyLimits($0) } ?? KeyLimits()
        let all = own?.over(grant.role.map { roles.limits(of: $0) } ?? KeyLimits())
        limits = all.flatMap { $0.isEmpty ? nil : $0 }
        do throws(RuleError) {
            let rules = try grant.rules(roles)
            guard grant.rate.map({ RequestRate($0) != nil }) ?? true else { throw RuleError("its rate cannot be read") }
            guard own != nil else { throw RuleError("its limits cannot be read") }
            scope = Scope(rules)
            fault = nil
        } catch {
            scope = Scope([])
            fault = error.reason
        }
        // No rule and no name of a credential has a line feed.
        let text =
            scope.rules.map(\.description) + ["as \(grant.credential.map { "=\($0)" } ?? "the gateway")"]
            // A signed URL from a time when nothing was refused is not good once rules are enforced.
            + (isShadow ? ["shadow"] : [])
        digest = SecretDigest.sha256(Array(text.joined(separator: "\n").utf8).span).0.littleEndian
    }

    /// Whether it means the same where `setting` is the policy of keys without one.
    func isFor(_ setting: KeyPolicy) -> Bool { isShadow == ((policy ?? setting) == .shadow) }
}

extension KeyGrant {
    /// Its rules, and those of its role. Throws for a rule that cannot be read, and for a role that is not in `roles`.
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
