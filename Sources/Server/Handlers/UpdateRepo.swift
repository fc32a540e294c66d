internal import Hub

/// PUT /api/repo: makes a repository private or public.
struct UpdateRepo: RepoHandler {
    let hub: HubClient
    let bodyBounds: BodyBounds

    func answer(_ order: RepoUpdate, _ context: RequestContext) async throws(Failure) -> Receipt {
        try await hub.send(order, context)
        return Receipt(
            "SUCCESS: Repo visibility updated",
            ["name": .string(order.id.text), "type": .string(order.kind.apiName), "private": .bool(order.isPrivate)])
    }
}
