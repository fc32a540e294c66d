import EventIO
import HTTP
import Hub

/// Whether a key may have a request relayed, and how.
@EventLoop
struct ScopeJudgement {
    private let key: KeyIdentity
    private let operation: HubOperation
    private let request: Request
    private let context: RequestContext

    /// Nil for what is not relayed to the Hub or the inference router.
    init?(_ key: KeyIdentity, _ request: Request, _ context: RequestContext, _ route: Route.Name) {
        guard route == .relay || route == .inference else { return nil }
        self.key = key
        self.request = request
        self.context = context
        operation = HubOperation.find(
            request.method, context.target, at: route == .inference ? .router : .hub)
    }

    private var scope: Scope { key.grant.scope }

    /// The fields that the Hub reads the body by: not those that the client names in `Connection`.
    private var sent: Headers { EndToEndHeaders.upstream(request.headers) }

    /// Whether the decision depends on what is in the body, where there is one.
    var needsBody: Bool { scope.needsBody(operation) }

    /// Notes in the context how the request is to be made. Throws why it may not be. What is sent on is the body that was judged, byte for byte.
    func pass(_ body: [UInt8]?) throws(Failure) {
        context.body = body
        try checkPayer()
        let decision =
            needsBody
            ? scope.decide(operation, try operation.needs(sent, body ?? [], account: nil))
            : scope.decide(operation)
        switch decision {
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
    private func checkPayer() throws(Failure) {
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

    /// Whose role or rules the gateway does not understand.
    static func uselessKey(_ name: String) -> Failure {
        Failure(
            .denied,
            detail: "The gateway key \(name) may do nothing: its role is not defined, or one of its rules is not understood. "
                + "Whoever runs this gateway finds why in its log.")
    }

    fileprivate static func lacksScope(_ action: HubAction, _ resource: HubResource) -> Failure {
        Failure(AccessRefusal(action: action, resource: resource, reason: .noRule, looksAbsent: false))
    }
}
