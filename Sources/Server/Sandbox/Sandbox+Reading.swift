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
        if let revision = call.captured["revision"], revision != "main", revision != repo.sha {
            throw .revisionNotFound(revision)
        }
        return Response(.ok, hub: repo.json(withFiles: true))
    }

    /// GET /api/{kind}?author=&search=&limit=&cursor=
    static func listRepos(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let query = call.query
        let limit = try Self.pageSize(query["limit"])
        let author = query["author"]?.lowercased()
        let search = query["search"]?.lowercased()
        let cursor = query["cursor"] ?? ""
        let found = try hub.shelf.visible(call.kind(), to: call.token).filter { repo in
            repo.id.text > cursor
                && (author == nil || repo.id.namespace?.lowercased() == author)
                && (search.map { repo.id.text.lowercased().contains($0) } ?? true)
        }
        let page = found.prefix(limit)
        var response = Response(.ok, hub: .array(page.map { $0.json(withFiles: query["full"] != nil) }))
        if found.count > limit, let last = page.last {
            // The slash is encoded, so a gateway that decodes and encodes again is found out.
            let next = query.replacing("cursor", with: last.id.text.split(separator: "/").joined(separator: "%2F"))
            response.headers.set("Link", "<\(hub.origin)\(call.request.target.path)?\(next)>; rel=\"next\"")
        }
        return response
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

    private static let largestPage = 1000

    private static func pageSize(_ text: String?) throws(SandboxRefusal) -> Int {
        guard let text else { return largestPage }
        guard let number = Int(text), number > 0 else { throw .badRequest("\"limit\" must be a positive number") }
        return min(number, largestPage)
    }
}
