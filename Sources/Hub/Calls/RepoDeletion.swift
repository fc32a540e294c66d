/// Deletes a repository for good: `DELETE /api/repos/delete`, which takes a body.
public struct RepoDeletion: HubCall, Equatable {
    public let kind: RepoKind
    /// Without a namespace it is one of the token's own.
    public let id: RepoID

    public init(kind: RepoKind, id: RepoID) {
        self.kind = kind
        self.id = id
    }

    /// Reads the facade's `{"type", "name"}`, where the name may be `owner/name`, or `organization` may name the owner.
    /// Throws `badRequest`.
    public init(facade json: JSON) throws(Failure) {
        let body = try FacadeBody(json)
        self.init(kind: try body.repoKind(), id: try body.repoID())
    }

    /// Whose repository it is; nil for the token's own.
    public var namespace: String? { id.namespace }

    public var method: Method { .delete }
    public var path: String { "/api/repos/delete" }
    public var contentType: String? { "application/json" }

    public var body: [UInt8]? {
        get throws(Failure) {
            let members: JSON = [
                "type": .string(kind.apiName),
                "name": .string(id.name),
                "organization": id.namespace.map(JSON.string) ?? .null,
            ]
            return try members.encoded()
        }
    }

    /// The Hub's text says nothing that the status does not.
    public func read(_ body: [UInt8]) throws(Failure) {}
}
