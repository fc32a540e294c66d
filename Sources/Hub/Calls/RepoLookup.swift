package import HTTP

/// Finds out whether a repository exists: `GET /api/{models,datasets,spaces}/{namespace}/{name}`.
package struct RepoLookup: HubCall, Equatable {
    package let kind: RepoKind
    package let id: RepoID

    package init(kind: RepoKind, id: RepoID) {
        self.kind = kind
        self.id = id
    }

    package var method: Method { .get }
    /// `expand` leaves out its files, of which there may be many thousands.
    package var path: String { "/api/\(kind.apiPath)/\(id.path)?expand=private" }
    package var limits: JSONLimits { .account }

    /// Whether it is private; nil where the Hub does not say.
    package func read(_ body: [UInt8]) throws(Failure) -> Bool? {
        guard case .object(let members)? = try? JSON.parse(body, within: limits) else {
            throw .hubBroken("what it says of a repository is no JSON object")
        }
        guard case .bool(let isPrivate) = members["private"] else { return nil }
        return isPrivate
    }
}
