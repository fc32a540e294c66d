import Hub

extension Sandbox {
    /// POST /api/{kind}/{id}/duplicate `{repository, visibility?, private?}`
    static func duplicate(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        let source = try hub.readable(by: call)
        let body = try call.body()
        let key = SandboxShelf.Key(kind: source.kind, id: try hub.fullName("repository", of: body))
        guard token.mayWrite(in: key.id.namespace) else {
            throw .forbidden("create a \(key.kind.apiName) under the namespace \"\(key.id.namespace ?? "")\"")
        }
        if let taken = hub.shelf[key] { throw .exists(key.kind, url: taken.url(at: hub.origin)) }
        let visibility = try body.visibility(of: key.kind) ?? source.visibility
        let settings = try SandboxSpaceSettings(body, at: hub.now())
        try hub.makeRoom(for: source.heldBytes)
        var copy = try hub.shelf.create(key, visibility: visibility, sdk: source.sdk, at: hub.now())
        copy.history = source.history
        copy.history.pulls = [:]
        copy.settings = settings
        hub.shelf.update(copy)
        return Response(.ok, hub: ["url": .string(copy.url(at: hub.origin))])
    }
}
