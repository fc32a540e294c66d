import EventIO
import HTTP
import Hub

/// What is written to the audit: requests that were refused, and changes before they are made.
extension RequestPipeline {
    /// Nil where there is no audit.
    func audited(_ request: Request, _ context: RequestContext) -> AuditedRequest? {
        state.auditor.map { AuditedRequest($0, context.id, request, context.target, address: context.address) }
    }

    /// A client without a valid key.
    func auditStranger(_ request: Request, _ context: RequestContext) {
        guard let audited = audited(request, context) else { return }
        audited.refuse([], rule: nil, isOfStranger: true)
        context.audited = audited
    }

    /// Counts a request of the key's. Throws where that is one too many, or the key is not valid.
    func count(_ key: KeyIdentity, _ request: Request, _ context: RequestContext) throws(Failure) {
        context.spender = key
        do throws(Failure) {
            try state.count(key)
        } catch {
            auditRefusal(key, request, context)
            throw error
        }
    }

    /// The key has made more requests than it may.
    func auditRefusal(_ key: KeyIdentity, _ request: Request, _ context: RequestContext) {
        guard let audited = audited(request, context) else { return }
        audited.identify(key)
        audited.refuse([], rule: nil)
        context.audited = audited
    }

    /// Prepares the audit of a facade's order, which the order's handler completes.
    func auditOrder(_ request: Request, _ context: RequestContext, _ route: Route.Name) {
        guard route.isOrder, let key = context.principal.key, let audited = audited(request, context) else { return }
        audited.identify(key)
        context.audited = audited
    }

    /// Makes sure that the intent of a change is on the disk before the Hub is asked. True: the request goes on at once; else it goes on by itself later.
    func writeDown(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) -> Bool {
        guard let audited = context.audited else { return true }
        return audited.begin { failure in
            do throws(Failure) {
                if let failure { throw failure }
                if context.isCancelled { throw .clientGone }
                try self.ask(exchange, context, route)
            } catch {
                self.fail(exchange, context, error)
            }
        }
    }
}

extension ScopeJudgement {
    /// Notes in the context that the request is allowed, if it may change something. `needs`: nil where its body was not read for the decision.
    /// `decision`: nil where the key's rules refuse nothing.
    func auditAllowed(_ needs: [HubNeed]?, _ decision: AccessDecision?, _ body: [UInt8]?) {
        guard let auditor, let scope else { return }
        // Where everything is allowed the body was read for the audit alone: a body that cannot be parsed is no reason to refuse.
        let needs = needs ?? (operation.isNamedByBody ? try? operation.needs(sent, body ?? [], account: nil) : nil)
        guard operation.isAct(needs) else { return }
        let known = needs ?? [operation.need]
        let single = known.count == 1 ? decision?.permit?.rule.map { "\(scope.rules[$0])" } : nil
        let rule = decision == nil ? AuditedRequest.shadow : single ?? scope.rule(allowing: known)
        let audited = makeAudited(auditor)
        audited.allow(known, rule: rule)
        if operation.isCommit {
            audited.expectCommit(to: context.target.segment(at: 5).map { PercentEncoding.decode(Array($0.utf8)[...]) })
        } else if body == nil {
            audited.expectBody()
        }
    }

    func auditRefused(_ refusal: AccessRefusal) {
        guard let auditor, let scope else { return }
        makeAudited(auditor).refuse(
            [HubNeed(refusal.action, refusal.resource)], rule: scope.rule(refusing: refusal))
    }

    /// The request is refused by a setting, whatever the key's rules allow.
    func auditRefused(_ needs: [HubNeed], by setting: String) {
        guard let auditor else { return }
        makeAudited(auditor).refuse(needs, rule: setting)
    }

    private func makeAudited(_ auditor: Auditor) -> AuditedRequest {
        let audited = AuditedRequest(auditor, context.id, request, context.target, address: context.address)
        if let key { audited.identify(key) }
        context.audited = audited
        return audited
    }
}

extension HubOperation {
    /// `POST /api/{T}/{id}/commit/{rev}`.
    fileprivate var isCommit: Bool { row?.path == "/api/{T}/{id}/commit/{rev}" }
}

extension Route.Name {
    /// Whether the route changes something at the Hub.
    fileprivate var isOrder: Bool {
        switch self {
        case .createRepo, .updateRepo, .deleteRepo: true
        default: false
        }
    }
}
