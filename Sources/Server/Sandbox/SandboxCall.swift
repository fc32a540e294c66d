import Hub

/// A request on its way to a handler: with the token it came with, and what its route's names stand for.
struct SandboxCall {
    let request: Request
    /// Nil for an anonymous call.
    let token: SandboxToken?
    /// What a token of Xet allows; nil without one, and on the Hub.
    var grant: SandboxXetGrant?
    let captured: [String: String]

    var query: SandboxQuery { SandboxQuery(request.target.query ?? "") }

    /// Throws 401 for an anonymous call.
    func requiredToken() throws(SandboxRefusal) -> SandboxToken {
        guard let token else { throw .anonymous }
        return token
    }

    func body() throws(SandboxRefusal) -> SandboxBody { try SandboxBody(request) }

    /// An object in LFS's own media type; Python's verify calls it JSON.
    func lfsBody() throws(SandboxRefusal) -> SandboxBody {
        try SandboxBody(request, types: [Self.lfsType, "application/json"])
    }

    static let lfsType = "application/vnd.git-lfs+json"

    /// The kind in the path; a web address without one is a model's.
    func kind() throws(SandboxRefusal) -> RepoKind {
        guard let kind = RepoKind(apiPath: captured["kind"] ?? "models") else { throw .noSuchPage }
        return kind
    }

    /// The revision in the path.
    var revision: String { captured["revision"] ?? "main" }

    /// What is left of the path at its end.
    var path: String { captured["path"] ?? "" }

    /// The repository in the path. Throws 400 for a name that none can have.
    func repoKey() throws(SandboxRefusal) -> SandboxShelf.Key {
        let kind = try kind()
        guard let name = captured["name"] else { throw .noSuchPage }
        guard let id = try? RepoID(namespace: captured["owner"], name: name) else {
            throw .badRequest("Invalid repo name: \(SandboxRefusal.nameRule)")
        }
        return SandboxShelf.Key(kind: kind, id: id)
    }

    /// This call's path and query, with `id` in the place of the repository's name: relative, as the Hub redirects.
    func location(at id: RepoID) -> String {
        let written = captured["owner"] == nil ? 1 : 2
        let path = request.target.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // Before the name come "", "api" and the kind, or in a web address "" and perhaps the kind.
        let start = path.dropFirst().first == "api" ? 3 : captured["kind"] == nil ? 1 : 2
        let end = path[start + written - 1].hasSuffix(".git") ? ".git" : ""
        let moved = path.prefix(start) + [id.path + end] + path.dropFirst(start + written)
        return moved.joined(separator: "/") + (request.target.query.map { "?\($0)" } ?? "")
    }
}
