import EventIO
import HTTP
import Hub

/// Decides whether a request may be relayed, and how: by the rules of a key, and by the settings that protect repositories from all callers.
@EventLoop
struct ScopeJudgement {
    /// Nil: there are no keys.
    let key: KeyIdentity?
    /// Nil for a request that does not go to the Hub.
    private let protection: Protection?
    let operation: HubOperation
    let request: Request
    let context: RequestContext
    /// Nil where the key's rules are enforced.
    let observer: ScopeObserver?
    /// Nil: there is no audit.
    let auditor: Auditor?
    /// Nil where nothing is in the trash.
    let trash: Trash?

    /// Nil for a request that goes neither to the Hub nor to the inference router, and where nothing limits it.
    init?(
        _ protection: Protection, _ state: GatewayState, _ request: Request, _ context: RequestContext,
        _ route: Route.Name
    ) {
        guard route == .relay || route == .inference else { return nil }
        key = context.principal.key
        guard key != nil || protection.isOn else { return nil }
        self.protection = route == .relay && protection.isOn ? protection : nil
        // No closures: the runtime checks for each one given to the standard library that it runs on the loop.
        if route == .relay, let trash = state.trash, trash.isInUse { self.trash = trash } else { trash = nil }
        if let key, state.identification.isShadow(key) { observer = state.observer } else { observer = nil }
        self.request = request
        self.context = context
        auditor = key == nil ? nil : state.auditor
        operation = HubOperation.find(
            request.method, context.target, at: route == .inference ? .router : .hub)
    }

    var scope: Scope? { key?.grant.scope }

    /// The fields by which the Hub reads the body: without those that the client names in `Connection`.
    var sent: Headers { EndToEndHeaders.upstream(request.headers) }

    /// Whether the decision, or the audit, depends on the body, where there is one. `length` is in bytes, nil where
    /// it is not known.
    func needsBody(ofLength length: UInt64? = 0) -> Bool {
        if isJudgedByBody(ofLength: length) { return true }
        // A body that is read for the audit alone is not refused for its size.
        return auditor != nil && operation.isNamedByBody && length ?? 0 <= UInt64(JudgedBody.longest)
    }

    private func isJudgedByBody(ofLength length: UInt64? = 0) -> Bool {
        if protection?.needsBody(operation) ?? false { return true }
        if mayNameTrash { return true }
        // A body that is only observed is not refused for its size.
        if observer != nil { return operation.body != nil && length ?? 0 <= UInt64(JudgedBody.longest) }
        return scope?.needsBody(operation) ?? false
    }

    /// Notes in the context how the request is to be made. Throws why it may not be. The Hub gets the body that was judged, byte for byte.
    func pass(_ body: [UInt8]?) throws(Failure) {
        context.body = body
        guard let key, let observer else {
            let needs = isJudgedByBody() ? try operation.needs(sent, body ?? [], account: nil) : nil
            context.needs = needs
            if let scope { try pass(scope, needs, body) }
            try checkProtection(needs ?? [operation.need])
            return try passTrash(needs ?? [operation.need])
        }
        try observe(key, observer, body)
    }

    private func checkProtection(_ needs: [HubNeed]) throws(Failure) {
        do throws(Failure) {
            try protection?.check(operation, needs, context.target, request.headers)
        } catch {
            auditRefused(needs, by: Protection.setting)
            throw error
        }
    }

    /// The rules refuse nothing. Other limits still hold: logins are not relayed, and protected repositories are protected.
    private func observe(_ key: KeyIdentity, _ observer: ScopeObserver, _ body: [UInt8]?) throws(Failure) {
        let needs: Result<[HubNeed], Failure>
        do throws(Failure) {
            needs = .success(
                isJudgedByBody() ? try operation.needs(sent, body ?? [], account: nil) : [operation.need])
        } catch {
            needs = .failure(error)
        }
        if protection?.needsBody(operation) ?? false || mayNameTrash { _ = try needs.get() }
        context.needs = try? needs.get()
        let scope = key.grant.scope
        guard operation.notes.isDisjoint(with: [.everyKey, .notRelayed]) else { return try pass(scope, nil, body) }
        if case .success(let needs) = needs, operation.reading != .ambiguous {
            let isRefused =
                scope.decide(operation, needs).refusal != nil
                || payers.contains { !scope.allows(.spend, $0.resource) }
            observer.note(needs + payers, by: key, isRefused: isRefused)
        } else {
            observer.noteUnclear(by: key)
        }
        let known = (try? needs.get()) ?? [operation.need]
        auditAllowed(known, nil, body)
        try checkProtection(known)
        try passTrash(known)
    }

    /// The rights to spend for the accounts that are to pay.
    private var payers: [HubNeed] {
        request.headers.values(of: Self.payer).compactMap { name in
            guard let id = try? RepoID(namespace: nil, name: name) else { return nil }
            return HubNeed(.spend, HubResource(namespace: id.name))
        }
    }

    private static let payer = "X-HF-Bill-To"

    private func pass(_ scope: Scope, _ needs: [HubNeed]?, _ body: [UInt8]?) throws(Failure) {
        try checkPayer(scope)
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

    /// A field may name another account that is to pay: that takes the right to spend for it.
    private func checkPayer(_ scope: Scope) throws(Failure) {
        guard request.headers.contains(Self.payer) else { return }
        context.payers = payers
        for name in request.headers.values(of: Self.payer) {
            let payer = HubResource(namespace: try RepoID(namespace: nil, name: name, field: Self.payer).name)
            guard scope.allows(.spend, payer) else { throw refused(.lacking(.spend, payer)) }
        }
    }
}

extension AccessRefusal {
    fileprivate static func lacking(_ action: HubAction, _ resource: HubResource) -> AccessRefusal {
        AccessRefusal(action: action, resource: resource, reason: .noRule, looksAbsent: false)
    }
}
