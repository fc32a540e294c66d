internal import Hub

/// A handler of `/api/repo`: it reads an order from the JSON body, carries it out, and says so.
@EventLoop
protocol RepoHandler: Handler {
    associatedtype Order: FacadeOrder

    var bodyBounds: BodyBounds { get }
    /// Carries the order out.
    func answer(_ order: Order, _ context: RequestContext) async throws(Failure) -> Receipt
}

extension RepoHandler {
    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        let request = exchange.request
        // Not only for tidiness: a page in somebody's browser can send text/plain here without asking, but not this type.
        guard request.headers.mediaType == "application/json" else {
            throw .unsupportedMediaType(accepted: "application/json")
        }
        let body = try await exchange.body(within: bodyBounds)
        guard !body.isEmpty else { throw .badRequest("The body is empty: send a JSON object.") }
        let order = try Order(facade: try JSON.parse(body, within: .order))
        let receipt = try await answer(order, context)
        var response =
            request.prefersPlainText
            ? Response(.ok, text: receipt.message + "\n") : try Response(.ok, json: .object(receipt.members))
        if !request.prefersPlainText { response.body.append(UInt8(ascii: "\n")) }
        exchange.send(response, id: .own(context.id))
    }
}

/// What can be ordered by a JSON body of the facade.
protocol FacadeOrder: Sendable {
    init(facade json: JSON) throws(Failure)
}

extension RepoCreation: FacadeOrder {}
extension RepoUpdate: FacadeOrder {}
extension RepoDeletion: FacadeOrder {}
