import EventIO
import HTTP
import Hub

/// A handler of `/api/repo`: it reads an order from the JSON body, carries it out, and says so.
@EventLoop
protocol RepoHandler: Handler, Sendable {
    associatedtype Order: FacadeOrder

    var bodyBounds: BodyBounds { get }
    /// Carries the order out.
    func answer(_ order: Order, _ context: RequestContext) async throws(Failure) -> RepoResult
}

extension RepoHandler {
    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let request = exchange.request
        // Not only for tidiness: a page in somebody's browser can send text/plain here without asking, but not this type.
        guard request.headers.mediaType == "application/json" else {
            throw .unsupportedMediaType(accepted: "application/json")
        }
        return .pending { () async throws(Failure) in
            let body = try await exchange.wholeBody(within: bodyBounds)
            guard !body.isEmpty else { throw .badRequest("The body is empty: send a JSON object.") }
            let order = try Order(facade: try JSON.parse(body, within: .order))
            try await context.authorize(order.needs(account: nil))
            return try await answer(order, context).response(to: request)
        }
    }
}

/// What can be ordered by a JSON body of the facade.
protocol FacadeOrder: Sendable {
    init(facade json: JSON) throws(Failure)
    /// The rights that it takes; `account` is the owner of the token, where that is known.
    func needs(account: String?) -> [HubNeed]
}

extension RepoCreation: FacadeOrder {}
extension RepoUpdate: FacadeOrder {}
extension RepoDeletion: FacadeOrder {}

/// What the facade says of an order that was carried out: a sentence, and the facts in it.
struct RepoResult: Sendable {
    let message: String
    let members: [String: JSON]

    init(_ message: String, _ facts: [String: JSON] = [:]) {
        self.message = message
        members = facts.merging(["message": .string(message)]) { $1 }
    }

    /// JSON, or the sentence alone to who prefers that.
    func response(to request: Request) throws(Failure) -> Response {
        guard !request.prefersPlainText else { return Response(.ok, text: message + "\n") }
        var response = try Response(.ok, json: .object(members))
        response.body.append(UInt8(ascii: "\n"))
        return response
    }
}

/// POST /api/repo: creates a repository on the Hub.
struct CreateRepo: RepoHandler {
    let hub: HubClient
    let bodyBounds: BodyBounds

    func answer(_ order: RepoCreation, _ context: RequestContext) async throws(Failure) -> RepoResult {
        let repo = try await hub.send(order, context)
        return RepoResult(
            "New repo created: \(repo.url)",
            ["url": .string(repo.url), "name": .string(repo.id.text), "type": .string(repo.kind.apiName)])
    }
}

/// PUT /api/repo: makes a repository private or public.
struct UpdateRepo: RepoHandler {
    let hub: HubClient
    let bodyBounds: BodyBounds

    func answer(_ order: RepoUpdate, _ context: RequestContext) async throws(Failure) -> RepoResult {
        try await hub.send(order, context)
        return RepoResult(
            "SUCCESS: Repo visibility updated",
            ["name": .string(order.id.text), "type": .string(order.kind.apiName), "private": .bool(order.isPrivate)])
    }
}

/// DELETE /api/repo: deletes a repository.
struct DeleteRepo: RepoHandler {
    let hub: HubClient
    let bodyBounds: BodyBounds

    func answer(_ order: RepoDeletion, _ context: RequestContext) async throws(Failure) -> RepoResult {
        try await hub.send(order, context)
        return RepoResult(
            "SUCCESS: Deleted repo", ["name": .string(order.id.text), "type": .string(order.kind.apiName)])
    }
}
