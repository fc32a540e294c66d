internal import Hub

/// DELETE /api/repo: deletes a repository.
struct DeleteRepo: RepoHandler {
    let hub: HubClient
    let bodyBounds: BodyBounds

    func answer(_ order: RepoDeletion, _ context: RequestContext) async throws(Failure) -> Receipt {
        try await hub.send(order, context)
        return Receipt("SUCCESS: Deleted repo", ["name": .string(order.id.text), "type": .string(order.kind.apiName)])
    }
}
