package import HTTP
import Hub

// Handlers are static, as Swift has no reference to a mutating method for the table of routes to hold.
extension Sandbox {
    /// GET /api/whoami-v2
    package static func whoAmI(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        return Response(.ok, hub: token.account.json(for: token))
    }

    /// GET /api/{kind}/{id} and …/revision/{revision}
    package static func repoInfo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.repo(of: call)
        guard let commit = repo.history.commit(at: call.revision) else { throw .revisionNotFound(call.revision) }
        return Response(.ok, hub: repo.json(at: commit, withFiles: true, withSizes: call.query.isSet("blobs")))
    }

    /// GET /api/{kind}?author=&search=&limit=&cursor=
    package static func listRepos(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let query = call.query
        let author = query["author"]?.lowercased()
        let search = query["search"]?.lowercased()
        let found = try hub.repos.visible(call.kind(), to: call.token).filter { repo in
            (author == nil || repo.id.namespace?.lowercased() == author)
                && (search.map { repo.id.text.lowercased().contains($0) } ?? true)
        }
        let full = query["full"] != nil
        return try hub.paged(found, for: call, cursor: \.id.text) { $0.json(at: $0.main, withFiles: full) }
    }

    /// GET /api/{kind}/{id}/auth-check
    package static func checkAccess(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try hub.readable(by: call)
        return Response(.ok, text: "OK")
    }

    /// The repository in the path. Throws the redirect for an old name, and for a repository that does not exist or may not be seen
    /// 401 without a token, 404 with one.
    package func repo(of call: SandboxCall) throws(SandboxRefusal) -> SandboxRepo {
        let key = try call.repoKey()
        if let repo = repos[key], repo.isVisible(to: call.token) { return repo }
        if let repo = repos.successor(of: key), repo.isVisible(to: call.token) {
            throw .moved(to: call.location(at: repo.id))
        }
        throw call.token == nil ? .anonymous : .repoNotFound
    }

    /// The repository in the path, for reading its files: those of a gated one or a protected space are for its owners alone.
    package func readable(by call: SandboxCall) throws(SandboxRefusal) -> SandboxRepo {
        let repo = try repo(of: call)
        if call.token?.mayRead(in: repo.id.namespace) == true { return repo }
        guard repo.gate == .none else { throw .gated(repo, anonymous: call.token == nil) }
        guard repo.visibility != .protected else { throw .forbidden("see the files of \(repo.id.text)") }
        return repo
    }

    /// The repository in the path and the commit that `revision` names there.
    package func commit(of call: SandboxCall) throws(SandboxRefusal) -> (repo: SandboxRepo, commit: SandboxCommit) {
        let repo = try readable(by: call)
        guard let commit = repo.history.commit(at: call.revision) else { throw .revisionNotFound(call.revision) }
        return (repo, commit)
    }
}

extension Sandbox {
    /// POST /api/{kind}/{id}/duplicate `{repository, visibility?, private?}`
    package static func duplicate(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        let source = try hub.readable(by: call)
        let body = try call.body()
        let key = SandboxRepoStore.Key(kind: source.kind, id: try hub.fullName("repository", of: body))
        guard token.mayWrite(in: key.id.namespace) else {
            throw .forbidden("create a \(key.kind.apiName) under the namespace \"\(key.id.namespace ?? "")\"")
        }
        if let taken = hub.repos[key] { throw .exists(key.kind, url: taken.url(at: hub.origin)) }
        let visibility = try body.visibility(of: key.kind) ?? source.visibility
        let settings = try SandboxSpaceSettings(body, at: hub.now())
        try hub.makeRoom(for: source.heldBytes)
        var copy = try hub.repos.create(key, visibility: visibility, sdk: source.sdk, at: hub.now())
        copy.history = source.history
        copy.history.pulls = [:]
        copy.settings = settings
        hub.repos.update(copy)
        return Response(.ok, hub: ["url": .string(copy.url(at: hub.origin))])
    }
}

extension Sandbox {
    /// POST and DELETE /api/{kind}/{id}/like
    package static func like(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        var repo = try hub.repo(of: call)
        guard token.role == .write else { throw .forbidden("like \(repo.id.text)") }
        if call.request.method == .delete {
            repo.likers.remove(token.account.name)
        } else {
            repo.likers.insert(token.account.name)
        }
        hub.repos.update(repo)
        return Response(.ok, text: "OK")
    }

    /// GET /api/{kind}/{id}/likers
    package static func likers(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let accounts = try hub.repo(of: call).likers.sorted()
        return try hub.paged(accounts, for: call, cursor: { $0 }) { name in
            [
                "user": .string(name), "fullname": .string(name), "avatarUrl": .string("/avatars/\(name).svg"),
                "type": "user",
            ]
        }
    }

    /// GET /api/users/{user}/likes
    package static func likes(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let user = try account(of: call).name
        let liked = RepoKind.allCases.flatMap { hub.repos.visible($0, to: call.token) }.filter {
            $0.likers.contains(user)
        }
        return try hub.paged(liked, for: call, cursor: \.serial) { repo in
            [
                "createdAt": .string(SandboxRepo.timestamp(repo.createdAt)),
                "repo": ["name": .string(repo.id.text), "type": .string(repo.kind.apiName)],
            ]
        }
    }

    /// GET /api/users/{user}/overview
    package static func overview(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let account = try account(of: call)
        func count(_ kind: RepoKind) -> JSON {
            .integer(Int64(hub.repos.visible(kind, to: call.token).count { $0.id.namespace == account.name }))
        }
        return Response(
            .ok,
            hub: [
                "user": .string(account.name), "fullname": .string(account.fullName), "type": "user", "isPro": false,
                "avatarUrl": .string("/avatars/\(account.name).svg"), "numModels": count(.model),
                "numDatasets": count(.dataset), "numSpaces": count(.space), "orgs": [],
            ])
    }

    private static func account(of call: SandboxCall) throws(SandboxRefusal) -> SandboxAccount {
        let accounts = [SandboxAccount.sandbox, .other]
        guard let account = accounts.first(where: { $0.name == call.captured["user"] }) else {
            throw SandboxRefusal(status: .notFound, message: "This user does not exist")
        }
        return account
    }
}
