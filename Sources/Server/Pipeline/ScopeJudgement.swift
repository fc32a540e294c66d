import EventIO
import HTTP
import Hub

/// Whether a key may have a request relayed, and how.
@EventLoop
struct ScopeJudgement {
    let key: KeyIdentity
    let operation: HubOperation
    let request: Request
    let context: RequestContext
    /// Nil: there is no audit.
    let auditor: Auditor?

    /// Nil for what is not relayed to the Hub or the inference router.
    init?(
        _ key: KeyIdentity, _ request: Request, _ context: RequestContext, _ route: Route.Name,
        _ auditor: Auditor? = nil
    ) {
        guard route == .relay || route == .inference else { return nil }
        self.key = key
        self.request = request
        self.context = context
        self.auditor = auditor
        operation = HubOperation.find(
            request.method, context.target, at: route == .inference ? .router : .hub)
    }

    var scope: Scope { key.grant.scope }

    /// The fields that the Hub reads the body by: not those that the client names in `Connection`.
    var sent: Headers { EndToEndHeaders.upstream(request.headers) }

    /// Whether the decision depends on what is in the body, where there is one, or the audit on what it names.
    var needsBody: Bool { isJudgedByBody || auditor != nil && operation.isNamedByBody }

    private var isJudgedByBody: Bool { scope.needsBody(operation) }

    /// Notes in the context how the request is to be made. Throws why it may not be. What is sent on is the body that was judged, byte for byte.
    func pass(_ body: [UInt8]?) throws(Failure) {
        context.body = body
        try checkPayer()
        let needs = isJudgedByBody ? try operation.needs(sent, body ?? [], account: nil) : nil
        let decision = needs.map { scope.decide(operation, $0) } ?? scope.decide(operation)
        switch decision {
        case .refuse(let refusal): throw refused(refusal)
        case .allow(let permit):
            if permit.withoutCredential { context.principal = context.principal.withoutCredential }
            context.permit = permit.response
            if permit.response == .writeAccess, !scope.allows(.write, operation.resource) {
                throw refused(.lacking(.write, operation.resource))
            }
            if permit.response == .filtered { context.entryFilter = PrivateEntryFilter(operation.listedKind, scope) }
            auditAllowed(needs, decision, body)
        }
    }

    private func refused(_ refusal: AccessRefusal) -> Failure {
        auditRefused(refusal)
        return Failure(refusal)
    }

    /// Who pays, where not the account itself, is said in a field of its own: it takes the right to spend what is theirs.
    private func checkPayer() throws(Failure) {
        let field = "X-HF-Bill-To"
        guard request.headers.contains(field) else { return }
        for name in request.headers.values(of: field) {
            let payer = HubResource(namespace: try RepoID(namespace: nil, name: name, field: field).name)
            guard scope.allows(.spend, payer) else { throw refused(.lacking(.spend, payer)) }
        }
    }
}

extension AccessRefusal {
    fileprivate static func lacking(_ action: HubAction, _ resource: HubResource) -> AccessRefusal {
        AccessRefusal(action: action, resource: resource, reason: .noRule, looksAbsent: false)
    }
}
