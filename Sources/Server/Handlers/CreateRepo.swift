internal import Hub

/// POST /api/repo: creates a repository on the Hub.
struct CreateRepo: RepoHandler {
    let hub: HubClient
    let bodyBounds: BodyBounds

    func answer(_ order: RepoCreation, _ context: RequestContext) async throws(Failure) -> Receipt {
        let repo = try await hub.send(order, context)
        return Receipt(
            "New repo created: \(repo.url)",
            ["url": .string(repo.url), "name": .string(repo.id.text), "type": .string(repo.kind.apiName)])
    }
}
