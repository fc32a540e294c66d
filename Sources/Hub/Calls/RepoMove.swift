package import HTTP

/// Gives a repository another name: `POST /api/repos/move`. The old name then redirects there, until a repository is created under it.
package struct RepoMove: HubCall, Equatable {
    package let kind: RepoKind
    /// Both with their namespaces.
    package let from: RepoID
    package let to: RepoID

    package init(kind: RepoKind, from: RepoID, to: RepoID) {
        self.kind = kind
        self.from = from
        self.to = to
    }

    package var method: Method { .post }
    package var path: String { "/api/repos/move" }
    package var contentType: String? { "application/json" }

    package var body: [UInt8]? {
        get throws(Failure) {
            let members: JSON = [
                "fromRepo": .string(from.text), "toRepo": .string(to.text), "type": .string(kind.apiName),
            ]
            return try members.encoded()
        }
    }

    /// The Hub's text says nothing that the status does not.
    package func read(_ body: [UInt8]) throws(Failure) {}
}
