package import HTTP
package import Hub

// Handlers are static, as Swift has no reference to a mutating method for the table of routes to hold.
extension Sandbox {
    /// POST /api/repos/create
    package static func createRepo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        let body = try call.body()
        let key = try hub.named(by: body, of: token)
        let sdk = try body.choice("sdk", of: SpaceSDK.self)
        guard key.kind != .space || sdk != nil else { throw .badRequest("\"sdk\" is required") }
        let visibility = try body.visibility(of: key.kind) ?? .public
        guard token.mayWrite(in: key.id.namespace) else {
            throw .forbidden("create a \(key.kind.apiName) under the namespace \"\(key.id.namespace ?? "")\"")
        }
        if let repo = hub.repos[key] { throw .exists(key.kind, url: repo.url(at: hub.origin)) }
        let settings = try SandboxSpaceSettings(body, at: hub.now())
        var repo = try hub.repos.create(key, visibility: visibility, sdk: key.kind == .space ? sdk : nil, at: hub.now())
        try repo.begin(by: token.account.name, hub.digest)
        repo.settings = settings
        hub.repos.update(repo)
        return Response(
            .ok,
            hub: ["url": .string(repo.url(at: hub.origin)), "name": .string(repo.id.text), "id": .string(repo.serial)])
    }

    /// DELETE /api/repos/delete
    package static func deleteRepo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        let key = try hub.named(by: call.body(), of: token)
        let repo = try hub.writable(key, by: token, to: "delete")
        hub.repos.delete(repo)
        return Response(.ok, text: "OK")
    }

    /// POST /api/repos/move
    package static func moveRepo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        let body = try call.body()
        guard let kind = try body.choice("type", of: RepoKind.self) else { throw .badRequest("\"type\" is required") }
        let source = SandboxRepoStore.Key(kind: kind, id: try hub.fullName("fromRepo", of: body))
        let destination = SandboxRepoStore.Key(kind: kind, id: try hub.fullName("toRepo", of: body))
        let repo = try hub.writable(source, by: token, to: "move")
        guard token.mayWrite(in: destination.id.namespace) else {
            throw .forbidden("create a \(kind.apiName) under the namespace \"\(destination.id.namespace ?? "")\"")
        }
        if let taken = hub.repos[destination] { throw .exists(kind, url: taken.url(at: hub.origin)) }
        try hub.repos.move(repo, to: destination.id)
        return Response(.ok, text: "OK")
    }

    /// PUT /api/{kind}/{id}/settings: repeats the new values, also where they change nothing.
    package static func changeSettings(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.writable(by: call, to: "change the settings of")
        let body = try call.body()
        var set: [String: JSON] = [:]
        if let visibility = try body.visibility(of: repo.kind) {
            repo.visibility = visibility
            set["visibility"] = .string(visibility.rawValue)
            set["private"] = .bool(visibility == .private)
        }
        if let gate = try body.gate() {
            guard repo.kind != .space else { throw .badRequest("\"gated\" is not allowed") }
            repo.gate = gate
            set["gated"] = gate.json
        }
        if let disabled = try body.optionalFlag("discussionsDisabled") {
            repo.discussionsDisabled = disabled
            set["discussionsDisabled"] = .bool(disabled)
        }
        hub.repos.update(repo)
        return Response(.ok, hub: .object(set))
    }

    /// The repository that `type`, `organization` and `name` give; without an organisation it is the token's own.
    private func named(by body: SandboxBody, of token: SandboxToken) throws(SandboxRefusal) -> SandboxRepoStore.Key {
        let kind = try body.choice("type", of: RepoKind.self) ?? .model
        let name = try body.string("name")
        let owner = try body.nullableString("organization") ?? token.account.name
        guard let id = try? RepoID(namespace: owner, name: name) else { throw .badName }
        return SandboxRepoStore.Key(kind: kind, id: id)
    }

    package func fullName(_ field: String, of body: SandboxBody) throws(SandboxRefusal) -> RepoID {
        guard let id = try? RepoID(try body.string(field)), id.namespace != nil else {
            throw .badRequest("\"\(field)\" must be \"namespace/name\". \(SandboxRefusal.nameRule)")
        }
        return id
    }

    /// Throws 404 for a repository that the caller may not see, and 403 for one that the caller may only read.
    package func writable(
        _ key: SandboxRepoStore.Key, by token: SandboxToken, to verb: String
    ) throws(SandboxRefusal) -> SandboxRepo {
        guard let repo = repos[key], repo.isVisible(to: token) else { throw .repoNotFound }
        guard token.mayWrite(in: key.id.namespace) else { throw .forbidden("\(verb) \(key.id.text)") }
        return repo
    }

    /// The repository in the path, to change it.
    package func writable(by call: SandboxCall, to verb: String) throws(SandboxRefusal) -> SandboxRepo {
        let token = try call.requiredToken()
        return try writable(repo(of: call).key, by: token, to: verb)
    }
}
