package import HTTP
package import Hub

/// A request on its way to a handler: with its token, and the values of its route's names.
package struct SandboxCall {
    package let request: Request
    /// Nil for an anonymous call.
    package let token: SandboxToken?
    /// What a token of Xet allows; nil without one, and on the Hub.
    package var grant: SandboxXetGrant?
    package let captured: [String: String]

    package var query: SandboxQuery { SandboxQuery(request.target.query ?? "") }

    /// Throws 401 for an anonymous call.
    package func requiredToken() throws(SandboxRefusal) -> SandboxToken {
        guard let token else { throw .anonymous }
        return token
    }

    package func body() throws(SandboxRefusal) -> SandboxBody { try SandboxBody(request) }

    /// An object in LFS's own media type; Python's verify sends it as JSON.
    package func lfsBody() throws(SandboxRefusal) -> SandboxBody {
        try SandboxBody(request, types: [Self.lfsType, "application/json"])
    }

    package static let lfsType = "application/vnd.git-lfs+json"

    /// The kind in the path; a web address without one is a model's.
    package func kind() throws(SandboxRefusal) -> RepoKind {
        guard let kind = RepoKind(apiPath: captured["kind"] ?? "models") else { throw .noSuchPage }
        return kind
    }

    /// The revision in the path.
    package var revision: String { captured["revision"] ?? "main" }

    /// The rest of the path at its end.
    package var path: String { captured["path"] ?? "" }

    /// The repository in the path. Throws 400 for a name that none can have.
    package func repoKey() throws(SandboxRefusal) -> SandboxRepoStore.Key {
        let kind = try kind()
        guard let name = captured["name"] else { throw .noSuchPage }
        guard let id = try? RepoID(namespace: captured["owner"], name: name) else {
            throw .badRequest("Invalid repo name: \(SandboxRefusal.nameRule)")
        }
        return SandboxRepoStore.Key(kind: kind, id: id)
    }

    /// This call's path and query, with `id` in place of the repository's name: relative, like the Hub's redirects.
    package func location(at id: RepoID) -> String {
        let written = captured["owner"] == nil ? 1 : 2
        let path = request.target.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // Before the name come "", "api" and the kind, or in a web address "" and perhaps the kind.
        let start = path.dropFirst().first == "api" ? 3 : captured["kind"] == nil ? 1 : 2
        let end = path[start + written - 1].hasSuffix(".git") ? ".git" : ""
        let moved = path.prefix(start) + [id.path + end] + path.dropFirst(start + written)
        return moved.joined(separator: "/") + (request.target.query.map { "?\($0)" } ?? "")
    }
}

extension SandboxCall {
    /// The token's. Throws 401 without one, 403 for a read token where a write token is wanted.
    package func grant(_ scope: SandboxXetGrant.Scope) throws(SandboxRefusal) -> SandboxXetGrant {
        guard let grant else { throw .noXetToken }
        guard scope == .read || grant.scope == .write else {
            throw SandboxRefusal(status: .forbidden, message: "This takes a write token of Xet")
        }
        return grant
    }

    /// The hash in the path. Throws 400 for anything else.
    package func xetHash() throws(SandboxRefusal) -> String {
        guard let hash = captured["hash"], SandboxXetFile.isHash(hash) else {
            throw .badRequest("A hash of Xet has 64 hexadecimal digits in lower case")
        }
        return hash
    }

    /// The requested ones of `count` bytes: by Range, or all. Throws 416 if it begins after the last.
    package func range(of count: Int) throws(SandboxRefusal) -> Range<Int> {
        guard count > 0 else { throw .noSuchXetObject }
        guard let field = request.headers["Range"] else { return 0..<count }
        let ends = field.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard field.hasPrefix("bytes="), ends.count == 2, let first = Int(ends[0]), first >= 0,
            let last = ends[1].isEmpty ? count - 1 : Int(ends[1])
        else { throw .badRequest("The range is malformed") }
        guard first < count, first <= last else {
            throw SandboxRefusal(
                status: .rangeNotSatisfiable, message: "The range begins behind the end of the file",
                headers: ["Content-Range": "bytes */\(count)"])
        }
        return first..<min(last, count - 1) + 1
    }
}

extension SandboxRefusal {
    package static var noXetToken: Self {
        Self(
            status: .unauthorized, message: "A token of Xet is wanted, and one of the Hub is none",
            headers: ["WWW-Authenticate": "Bearer"])
    }

    package static var noSuchXetObject: Self { Self(status: .notFound, message: "No such file, chunk or xorb") }
}

extension Sandbox {
    package static let largestPage = 1000

    /// The page that a call asks for, of elements in a stable order, and the link to the next one. `cursor` names the last
    /// element of a page; the next page follows it.
    package func page<Element>(
        of all: [Element], for call: SandboxCall, size: Int = largestPage, cursor: (Element) -> String
    ) throws(SandboxRefusal) -> (elements: [Element], link: String?) {
        let query = call.query
        let limit = try Self.pageSize(query["limit"], largest: size)
        var rest = all[...]
        if let last = query["cursor"] {
            guard let found = all.firstIndex(where: { cursor($0) == last }) else {
                throw .badRequest("\"cursor\" is not one of ours")
            }
            rest = all[(found + 1)...]
        }
        let elements = Array(rest.prefix(limit))
        guard rest.count > limit, let last = elements.last else { return (elements, nil) }
        // The slash is encoded, which reveals a gateway that decodes and encodes again.
        let next = query.replacing("cursor", with: PercentEncoding.encode(segment: cursor(last)))
        return (elements, "<\(origin)\(call.request.target.path)?\(next)>; rel=\"next\"")
    }

    /// The page as a response.
    package func paged<Element>(
        _ all: [Element], for call: SandboxCall, size: Int = largestPage, cursor: (Element) -> String,
        json: (Element) -> JSON
    ) throws(SandboxRefusal) -> Response {
        let (elements, link) = try page(of: all, for: call, size: size, cursor: cursor)
        var response = Response(.ok, hub: .array(elements.map(json)))
        if let link { response.headers.set("Link", link) }
        return response
    }

    private static func pageSize(_ text: String?, largest: Int) throws(SandboxRefusal) -> Int {
        guard let text else { return largest }
        guard let number = Int(text), number > 0 else { throw .badRequest("\"limit\" must be a positive number") }
        return min(number, largest)
    }
}
