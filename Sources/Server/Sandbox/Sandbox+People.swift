import Hub

extension Sandbox {
    /// POST and DELETE /api/{kind}/{id}/like
    static func like(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        var repo = try hub.repo(of: call)
        guard token.role == .write else { throw .forbidden("like \(repo.id.text)") }
        if call.request.method == .delete {
            repo.likers.remove(token.account.name)
        } else {
            repo.likers.insert(token.account.name)
        }
        hub.shelf.update(repo)
        return Response(.ok, text: "OK")
    }

    /// GET /api/{kind}/{id}/likers
    static func likers(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let accounts = try hub.repo(of: call).likers.sorted()
        return try hub.paged(accounts, for: call, cursor: { $0 }) { name in
            [
                "user": .string(name), "fullname": .string(name), "avatarUrl": .string("/avatars/\(name).svg"),
                "type": "user",
            ]
        }
    }

    /// GET /api/users/{user}/likes
    static func likes(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let user = try account(of: call).name
        let liked = RepoKind.allCases.flatMap { hub.shelf.visible($0, to: call.token) }.filter {
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
    static func overview(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let account = try account(of: call)
        func count(_ kind: RepoKind) -> JSON {
            .integer(Int64(hub.shelf.visible(kind, to: call.token).count { $0.id.namespace == account.name }))
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
