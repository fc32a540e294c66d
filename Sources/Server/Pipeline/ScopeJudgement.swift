import EventIO
import HTTP
import Hub

/// Whether a request may be relayed, and how: by the rules of a key, and by what is protected from whoever asks.
@EventLoop
struct ScopeJudgement {
    /// Nil: there are no keys.
    private let key: KeyIdentity?
    /// Nil for what is not the Hub's.
    private let protection: Protection?
    private let operation: HubOperation
    private let request: Request
    private let context: RequestContext

    /// Nil for what is not relayed to the Hub or the inference router, and where nothing limits it.
    init?(_ protection: Protection, _ request: Request, _ context: RequestContext, _ route: Route.Name) {
        guard route == .relay || route == .inference else { return nil }
        key = context.principal.key
        guard key != nil || protection.isOn else { return nil }
        self.protection = route == .relay && protection.isOn ? protection : nil
        self.request = request
        self.context = context
        operation = HubOperation.find(
            request.method, context.target, at: route == .inference ? .router : .hub)
    }

    /// The fields that the Hub reads the body by: not those that the client names in `Connection`.
    private var sent: Headers { EndToEndHeaders.upstream(request.headers) }

    /// Whether the decision depends on what is in the body, where there is one.
    var needsBody: Bool {
        protection?.needsBody(operation) ?? false || key?.grant.scope.needsBody(operation) ?? false
    }

    /// Notes in the context how the request is to be made. Throws why it may not be. What is sent on is the body that was judged, byte for byte.
    func pass(_ body: [UInt8]?) throws(Failure) {
        context.body = body
        let needs = needsBody ? try operation.needs(sent, body ?? [], account: nil) : nil
        if let key { try pass(key.grant.scope, needs) }
        try protection?.check(operation, needs ?? [operation.need], context.target, request.headers)
    }

    private func pass(_ scope: Scope, _ needs: [HubNeed]?) throws(Failure) {
        try checkPayer(scope)
        switch needs.map({ scope.decide(operation, $0) }) ?? scope.decide(operation) {
        case .refuse(let refusal): throw Failure(refusal)
        case .allow(let permit):
            if permit.withoutCredential { context.principal = context.principal.withoutCredential }
            context.permit = permit.response
            if permit.response == .writeAccess, !scope.allows(.write, operation.resource) {
                throw .lacksScope(.write, operation.resource)
            }
            if permit.response == .filtered { context.entryFilter = PrivateEntryFilter(operation.listedKind, scope) }
        }
    }

    /// Who pays, where not the account itself, is said in a field of its own: it takes the right to spend what is theirs.
    private func checkPayer(_ scope: Scope) throws(Failure) {
        let field = "X-HF-Bill-To"
        guard request.headers.contains(field) else { return }
        for name in request.headers.values(of: field) {
            let payer = HubResource(namespace: try RepoID(namespace: nil, name: name, field: field).name)
            guard scope.allows(.spend, payer) else { throw .lacksScope(.spend, payer) }
        }
    }
}

extension Principal {
    /// Whether the key, where there is one, allows all of `needs`. Throws why it does not.
    func check(_ needs: [HubNeed]) throws(Failure) {
        guard let key, case .refuse(let refusal) = key.grant.scope.decide(needs) else { return }
        throw Failure(refusal)
    }
}

extension Failure {
    /// As the Hub says it, of what may not even be read; else what is missing.
    init(_ refusal: AccessRefusal) {
        guard refusal.looksAbsent else {
            self.init(.denied, detail: refusal.message)
            return
        }
        self = .hubAnswered(
            HubRefusal(status: refusal.status, code: refusal.code, message: refusal.message, headers: [:]))
    }

    fileprivate static func lacksScope(_ action: HubAction, _ resource: HubResource) -> Failure {
        Failure(AccessRefusal(action: action, resource: resource, reason: .noRule, looksAbsent: false))
    }
}
