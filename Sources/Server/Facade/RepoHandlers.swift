import EventIO
import HTTP
import Hub

/// What the handlers of `/api/repo` work with.
@EventLoop
struct RepoServices {
    let hub: HubClient
    let account: AccountCache
    let bodyBounds: BodyBounds
    let protection: Protection
    let identification: Identification
    let observer: ScopeObserver?
    /// Nil where there is no state to keep them in.
    let idempotency: IdempotencyKeys?
    let removal: RepoRemoval
}

extension RepoServices {
    /// Takes up the key again, which may have changed while the body came.
    fileprivate func takeUp(_ context: RequestContext) throws(Failure) {
        do throws(Failure) {
            guard let key = try context.changedKey() else { return }
            context.principal = identification.principal(with: key, isAmbient: context.principal.isAmbient)
        } catch {
            context.audited?.refuse([], rule: nil)
            throw error
        }
    }

    /// Whether the request may do all of `needs`. Returns the intent that has to be on the disk first, nil where there is no audit. Throws why it
    /// may not.
    fileprivate func authorize(
        _ needs: [HubNeed], _ context: RequestContext, _ headers: Headers
    ) throws(Failure) -> AuditedRequest? {
        context.needs = needs
        let shadow = context.principal.key.flatMap { identification.isShadow($0) ? $0 : nil }
        if let shadow {
            observer?.note(needs, by: shadow, isRefused: shadow.grant.scope.decide(needs).refusal != nil)
        }
        return try context.authorize(needs, protection, headers, isShadow: shadow != nil)
    }
}

/// A handler of `/api/repo`: it reads an order from the JSON body, carries it out, and reports the result.
@EventLoop
protocol RepoHandler: Handler, Sendable {
    associatedtype Call: FacadeCall

    var services: RepoServices { get }
    /// The report on an order that was carried out.
    func result(_ call: Call, _ answer: Call.Answer) -> RepoResult
    /// Carries out an order.
    func perform(_ call: Call, _ context: RequestContext) async throws(Failure) -> RepoResult
}

extension RepoHandler {
    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let request = exchange.request
        // A page in a browser can send text/plain here without a preflight request, but not this type.
        guard request.headers.mediaType == "application/json" else {
            throw .unsupportedMediaType(accepted: "application/json")
        }
        let query = try RepoQuery(context.target)
        let key = try IdempotencyKey(request.headers)
        guard key == nil || services.idempotency != nil else { throw .noIdempotency }
        return .pending { () async throws(Failure) in
            let body = try await exchange.wholeBody(within: services.bodyBounds)
            try services.takeUp(context)
            guard !body.isEmpty else { throw .badRequest("The body is empty: send a JSON object.") }
            let order = try RepoOrder<Call>(facade: try JSON.parse(body, within: .order))
            try services.removal.trash?.check(order.call.needs(account: nil))
            if query.isDryRun {
                return try await DryRun(services: services).result(order, request, context).response(to: request)
            }
            let needs = order.call.needs(account: nil)
            if let audited = try services.authorize(needs, context, request.headers) { try await context.asks(audited) }
            guard let key, let idempotency = services.idempotency else {
                return try await carryOut(order, context).response(to: request)
            }
            return try await idempotency.once(key, request, body, context) { own async throws(Failure) in
                try await carryOut(order, own).response(to: request)
            }
        }
    }

    func perform(_ call: Call, _ context: RequestContext) async throws(Failure) -> RepoResult {
        result(call, try await services.hub.send(call, context))
    }

    private func carryOut(_ order: RepoOrder<Call>, _ context: RequestContext) async throws(Failure) -> RepoResult {
        let tolerance = order.isTolerant ? Call.tolerance : nil
        do throws(Failure) {
            let result = try await perform(order.call, context)
            return tolerance.map { result.with($0.done, true) } ?? result
        } catch {
            guard let tolerance, tolerance.covers(error) else { throw error }
            let name = order.call.id.text
            return RepoResult(
                "\(name) \(tolerance.clause)",
                [tolerance.done: false, "name": .string(name), "type": .string(order.call.kind.apiName)])
        }
    }
}

/// What the facade reports of an order: a sentence, and the facts in it.
struct RepoResult: Sendable {
    let message: String
    let members: [String: JSON]

    init(_ message: String, _ facts: [String: JSON] = [:]) {
        self.message = message
        var members = facts
        members["message"] = .string(message)
        self.members = members
    }

    func with(_ member: String, _ value: JSON) -> RepoResult {
        var members = members
        members[member] = value
        return RepoResult(message, members)
    }

    /// JSON, or the sentence alone for clients that prefer text.
    func response(to request: Request) throws(Failure) -> Response {
        guard !request.prefersPlainText else { return Response(.ok, text: message + "\n") }
        var response = try Response(.ok, json: .object(members))
        response.body.append(UInt8(ascii: "\n"))
        return response
    }
}

/// POST /api/repo: creates a repository on the Hub.
struct CreateRepo: RepoHandler {
    let services: RepoServices

    func result(_ call: RepoCreation, _ repo: Repo) -> RepoResult {
        RepoResult(
            "New repo created: \(repo.url)",
            ["url": .string(repo.url), "name": .string(repo.id.text), "type": .string(repo.kind.apiName)])
    }
}

/// PUT /api/repo: makes a repository private or public.
struct UpdateRepo: RepoHandler {
    let services: RepoServices

    func result(_ call: RepoUpdate, _ answer: Void) -> RepoResult {
        RepoResult(
            "SUCCESS: Repo visibility updated",
            ["name": .string(call.id.text), "type": .string(call.kind.apiName), "private": .bool(call.isPrivate)])
    }
}

/// DELETE /api/repo: deletes a repository.
struct DeleteRepo: RepoHandler {
    let services: RepoServices

    func result(_ call: RepoDeletion, _ answer: Void) -> RepoResult {
        RepoResult(
            "SUCCESS: Deleted repo", ["name": .string(call.id.text), "type": .string(call.kind.apiName)])
    }

    func perform(_ call: RepoDeletion, _ context: RequestContext) async throws(Failure) -> RepoResult {
        let record = try await services.removal.remove(call, context)
        let result = result(call, ())
        guard let record, let trashID = record.trashID else { return result }
        return result.with("restorable_until", .string(WallClock.iso8601(record.expires)))
            .with("trash_name", .string(trashID.text))
    }
}
