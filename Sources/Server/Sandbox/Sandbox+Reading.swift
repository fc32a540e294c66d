import Hub

// Handlers are static, as Swift has no reference to a mutating method for the table of routes to hold.
extension Sandbox {
    /// GET /api/whoami-v2
    static func whoAmI(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        return Response(.ok, hub: token.account.json(for: token))
    }

    /// GET /api/{kind}/{id} and …/revision/{revision}
    static func repoInfo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.repo(of: call)
        guard let commit = repo.history.commit(at: call.revision) else { throw .revisionNotFound(call.revision) }
        return Response(.ok, hub: repo.json(at: commit, withFiles: true, withSizes: call.query.isSet("blobs")))
    }

    /// GET /api/{kind}?author=&search=&limit=&cursor=
    static func listRepos(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let query = call.query
        let author = query["author"]?.lowercased()
        let search = query["search"]?.lowercased()
        let found = try hub.shelf.visible(call.kind(), to: call.token).filter { repo in
            (author == nil || repo.id.namespace?.lowercased() == author)
                && (search.map { repo.id.text.lowercased().contains($0) } ?? true)
        }
        let full = query["full"] != nil
        return try hub.paged(found, for: call, cursor: \.id.text) { $0.json(at: $0.main, withFiles: full) }
    }

    /// GET /api/{kind}/{id}/auth-check
    static func checkAccess(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try hub.readable(by: call)
        return Response(.ok, text: "OK")
    }

    /// The repository in the path. Throws the redirect for an old name, 401 to a stranger and 404 to others for one
    /// that is not there or not theirs to see.
    func repo(of call: SandboxCall) throws(SandboxRefusal) -> SandboxRepo {
        let key = try call.repoKey()
        if let repo = shelf[key], repo.isVisible(to: call.token) { return repo }
        if let repo = shelf.successor(of: key), repo.isVisible(to: call.token) {
            throw .moved(to: call.location(at: repo.id))
        }
        throw call.token == nil ? .anonymous : .repoNotFound
    }

    /// The repository in the path, for its files: of a gated one or a protected space, its owners' alone.
    func readable(by call: SandboxCall) throws(SandboxRefusal) -> SandboxRepo {
        let repo = try repo(of: call)
        if call.token?.mayRead(in: repo.id.namespace) == true { return repo }
        guard repo.gate == .none else { throw .gated(repo, anonymous: call.token == nil) }
        guard repo.visibility != .protected else { throw .forbidden("see the files of \(repo.id.text)") }
        return repo
    }

    /// The repository in the path and the commit that `revision` names there.
    func commit(of call: SandboxCall) throws(SandboxRefusal) -> (repo: SandboxRepo, commit: SandboxCommit) {
        let repo = try readable(by: call)
        guard let commit = repo.history.commit(at: call.revision) else { throw .revisionNotFound(call.revision) }
        return (repo, commit)
    }
}
