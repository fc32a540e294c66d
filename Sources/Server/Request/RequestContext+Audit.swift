import EventIO
import HTTP
import Hub

extension RequestContext {
    /// For the facade's order: checks that the key, where there is one, allows all of `needs`, and that `headers` confirm what is protected. Returns
    /// the audit that `asks` has to wait for, nil where there is none. `isShadow`: the key's rules refuse nothing. Throws why the order may not be carried
    /// out.
    func authorize(
        _ needs: [HubNeed], _ protection: Protection, _ headers: Headers, isShadow: Bool
    ) throws(Failure) -> AuditedRequest? {
        guard let key = principal.key else {
            try protection.check(needs, headers)
            return nil
        }
        let scope = key.grant.scope
        if !isShadow, case .refuse(let refusal) = scope.decide(needs) {
            audited?.refuse([HubNeed(refusal.action, refusal.resource)], rule: scope.rule(refusing: refusal))
            throw Failure(refusal)
        }
        do throws(Failure) {
            try protection.check(needs, headers)
        } catch {
            audited?.refuse(needs, rule: Protection.setting)
            throw error
        }
        audited?.allow(needs, rule: isShadow ? AuditedRequest.shadow : scope.rule(allowing: needs))
        return audited
    }

    /// Returns when the intent of `audited` is on the disk. Throws where it cannot be written.
    func asks(_ audited: AuditedRequest) async throws(Failure) {
        try await audited.begun()
        // The client may have left meanwhile: then nothing is done.
        if isCancelled { throw .clientGone }
    }

    /// What is done for `context` goes on without its client, and is written down as its.
    func audits(with context: RequestContext) {
        audited = context.audited
        audited?.outlivesClient = true
    }

    /// The request has ended.
    func endAudit(_ exchange: Exchange, whole: Bool, microseconds: Int) {
        guard let audited = audited.take() else { return }
        let outcome = outcome(exchange, audited)
        audited.end { line in
            line.set(.status, exchange.status?.code ?? 499)
            line.set(.outcome, line.kind == .outcome ? outcome.rawValue : nil)
            line.set(.code, failure?.code)
            line.set(.bytesIn, body?.count ?? exchange.declaredLength.map { Int(clamping: $0) })
            line.set(.bytesOut, exchange.sentBytes)
            line.set(.milliseconds, microseconds / 1000)
            line.set(.hubRequestID, hubRequestID)
            if !whole { line.set(.detail, "the response did not go out whole") }
        }
    }

    private func outcome(_ exchange: Exchange, _ audited: AuditedRequest) -> AuditOutcome {
        guard audited.calls > 0 else { return audited.outlivesClient && exchange.status == nil ? .unclear : .notSent }
        switch failure?.kind {
        case nil: return exchange.status == nil ? .unclear : .answered
        case .hubAnswered: return .answered
        // Of several the first have come there.
        case .hubUnreachable where audited.calls == 1: return .notSent
        // Whatever ended it, the call may have been on its way.
        default: return .unclear
        }
    }
}

extension Scope {
    /// The text of the rule that allows the chief of `needs`.
    func rule(allowing needs: [HubNeed]) -> String? {
        guard let chief = needs.chief, let rule = decide([chief]).permit?.rule else { return nil }
        return "\(rules[rule])"
    }

    /// The text of the rule that denies it; nil where no rule allows it.
    func rule(refusing refusal: AccessRefusal) -> String? {
        guard case .denied(let rule) = refusal.reason else { return nil }
        return "\(rules[rule])"
    }
}
