import HTTP
import Hub

/// All that a key may do: its rules, compiled. What no rule allows is refused, and a rule that denies wins over all that allow.
struct Scope: Sendable {
    let rules: [Rule]
    private let compiled: CompiledRules
    /// Everything is allowed, so no rule has to be looked at.
    let isUnlimited: Bool
    /// The scope may read everything.
    let readsAll: Bool
    private let infersAll: Bool

    init(_ rules: [Rule]) {
        self.rules = rules
        compiled = CompiledRules(rules)
        let isDenied = { (action: HubAction) in rules.contains { $0.effect == .deny && $0.actions.contains(action) } }
        let all = rules.filter { $0.effect == .allow && $0.pattern.isAll }.reduce(HubActions.none) {
            $0.union($1.actions)
        }
        isUnlimited = all == .all && !rules.contains { $0.effect == .deny }
        readsAll = all.contains(.read) && !isDenied(.read)
        infersAll = all.contains(.infer) && !isDenied(.infer)
    }

    /// Whether the decision needs the request's body. If not, the body can be relayed as it comes.
    func needsBody(_ operation: HubOperation) -> Bool {
        guard let body = operation.body, !isUnlimited else { return false }
        return !(body == .model && infersAll)
    }

    /// Decides by method and target alone. An operation that `needsBody` is refused here: its body has not been read.
    func decide(_ operation: HubOperation) -> AccessDecision {
        if let decision = decideAtOnce(operation) { return decision }
        guard !needsBody(operation) else { return .refuse(refusal(operation.need, .noRule)) }
        return decide(operation.need, operation, isAlone: true)
    }

    /// Decides by all that the request needs: `operation.needs(…)`. Each of them has to be allowed.
    func decide(_ operation: HubOperation, _ needs: [HubNeed]) -> AccessDecision {
        if let decision = decideAtOnce(operation) { return decision }
        var decision = AccessDecision.refuse(refusal(HubNeed(.other, .none), .noRule))
        for need in needs {
            decision = decide(need, operation, isAlone: needs.count == 1)
            if case .refuse = decision { return decision }
        }
        return decision
    }

    /// The same for the facade's calls, which are no operations of the Hub's table.
    func decide(_ needs: [HubNeed]) -> AccessDecision {
        var permit = Permit(rule: nil, withoutCredential: false, response: .relayed)
        for need in needs {
            let verdict = compiled.verdict(on: need)
            guard let rule = verdict.rule(for: need.sufficient) else { return .refuse(refusal(need, verdict)) }
            permit = Permit(rule: rule, withoutCredential: false, response: .relayed)
        }
        return needs.isEmpty ? .refuse(refusal(HubNeed(.other, .none), .noRule)) : .allow(permit)
    }

    /// Whether the action is allowed, with the credential.
    func allows(_ action: HubAction, _ resource: HubResource) -> Bool {
        let actions = HubActions(action)
        return isUnlimited || compiled.verdict(on: resource, actions).rule(for: actions) != nil
    }

    /// Whether the resource may be read, with or without the credential.
    func mayRead(_ resource: HubResource) -> Bool {
        let read = HubActions(.read)
        let verdict = compiled.verdict(on: resource, read)
        return !verdict.allowed.union(verdict.allowedPublic).subtracting(verdict.denied).isEmpty
    }

    /// Whether anything of this owner's is within the scope.
    func concerns(owner: String) -> Bool { compiled.concern(owner: owner) }

    /// Decisions that need no look at the rules.
    private func decideAtOnce(_ operation: HubOperation) -> AccessDecision? {
        let isMatched = operation.reading != .ambiguous
        if operation.notes.contains(.everyKey) {
            return .allow(Permit(rule: nil, withoutCredential: false, response: .account))
        }
        if operation.notes.contains(.notRelayed) { return .refuse(refusal(operation.need, .notRelayed)) }
        if isUnlimited {
            let response: Permit.Response = operation.notes.contains(.ofScope) ? .writeAccess : .relayed
            return .allow(
                Permit(rule: rules.firstIndex { $0.pattern.isAll }, withoutCredential: false, response: response))
        }
        return isMatched ? nil : .refuse(refusal(operation.need, .ambiguous))
    }

    private func decide(_ need: HubNeed, _ operation: HubOperation, isAlone: Bool) -> AccessDecision {
        if operation.reading == .unknown, let rule = denying(need.resource) {
            return .refuse(refusal(need, .denied(rule)))
        }
        let verdict = compiled.verdict(on: need)
        if let rule = verdict.rule(for: need.sufficient) {
            let isHidden = need.notes.contains(.mayShowPrivate) && !readsAll
            let response: Permit.Response =
                need.notes.contains(.filtered) && !readsAll
                ? .filtered : need.notes.contains(.ofScope) ? .writeAccess : .relayed
            return .allow(Permit(rule: rule, withoutCredential: isHidden, response: response))
        }
        let isPublic = !verdict.allowedPublic.subtracting(verdict.denied).isEmpty
        guard isPublic, let rule = verdict.allowing else { return .refuse(refusal(need, verdict)) }
        // The request's other needs take the credential, which would then do the reading, too.
        guard isAlone else { return .refuse(refusal(need, .publicOnly)) }
        return .allow(
            Permit(
                rule: rule, withoutCredential: true, response: need.notes.contains(.ofScope) ? .writeAccess : .relayed))
    }

    /// The number of a rule that denies anything on the resource: an act that is not understood could be exactly that.
    private func denying(_ resource: HubResource) -> Int? {
        resource.form == .none ? nil : compiled.verdict(on: resource, .all).denying
    }
}

extension Scope {
    private func refusal(_ need: HubNeed, _ verdict: CompiledRules.Verdict) -> AccessRefusal {
        let isDenied = verdict.denying != nil && !verdict.allowed.union(verdict.allowedPublic).isEmpty
        return refusal(need, isDenied ? .denied(verdict.denying ?? 0) : .noRule)
    }

    private func refusal(_ need: HubNeed, _ reason: AccessRefusal.Reason) -> AccessRefusal {
        AccessRefusal(
            action: need.action, resource: need.resource, reason: reason, looksAbsent: looksAbsent(need, reason))
    }

    /// A client that may not read a repository is not told that it exists. A new repository has nothing to hide.
    private func looksAbsent(_ need: HubNeed, _ reason: AccessRefusal.Reason) -> Bool {
        guard reason != .ambiguous, reason != .notRelayed else { return false }
        guard need.resource.form == .repo || need.resource.form == .ownRepo else { return false }
        switch need.action {
        case .create, .publish, .other: return false
        default: return !mayRead(need.resource)
        }
    }
}

extension CompiledRules.Verdict {
    /// The rule by which one of the actions is allowed with the credential, and not denied.
    fileprivate func rule(for sufficient: HubActions) -> Int? {
        allowed.subtracting(denied).isDisjoint(with: sufficient) ? nil : allowing
    }
}
