/// Changes who can see a repository: `PUT /api/{models,datasets,spaces}/{namespace}/{name}/settings`.
public struct RepoUpdate: HubCall, Equatable {
    public let kind: RepoKind
    /// Always with a namespace.
    public let id: RepoID
    public let isPrivate: Bool

    /// Throws `badRequest` for an id without a namespace. Here the Hub does not put the token's own: a bare name
    /// is an old canonical model of nobody, whereas policy takes a missing namespace for the token's own.
    public init(kind: RepoKind, id: RepoID, isPrivate: Bool, field: String = "namespace") throws(Failure) {
        guard id.namespace != nil else {
            throw .badField(field, "must be \"owner/name\": this call does not complete the owner")
        }
        self.kind = kind
        self.id = id
        self.isPrivate = isPrivate
    }

    /// Reads the facade's `{"type", "namespace": "owner/name", "private"}`; `name` may stand for `namespace`.
    /// Throws `badRequest`.
    public init(facade json: JSON) throws(Failure) {
        let body = try FacadeBody(json)
        let kind = try body.repoKind()
        let (text, field) = try body.fullName()
        try self.init(kind: kind, id: RepoID(text, field: field), isPrivate: body.flag("private"), field: field)
    }

    /// Whose repository it is.
    public var namespace: String? { id.namespace }

    public var method: Method { .put }
    public var path: String { "/api/\(kind.apiPath)/\(id.path)/settings" }
    public var contentType: String? { "application/json" }

    /// A boolean: the facade's origin sent the string "true", which today's Hub refuses. For `private` against
    /// `visibility` see `RepoCreation`.
    public var body: [UInt8]? {
        get throws(Failure) {
            try JSON.object(["private": .bool(isPrivate)]).encoded()
        }
    }

    /// The Hub repeats what was set.
    public func read(_ body: [UInt8]) throws(Failure) {}
}

extension FacadeBody {
    fileprivate func fullName() throws(Failure) -> (text: String, field: String) {
        let name = try optionalString("name")
        guard let namespace = try optionalString("namespace") else {
            guard let name else { return (try string("namespace"), "namespace") }
            return (name, "name")
        }
        guard name == nil || name == namespace else {
            throw .badField("name", "differs from \"namespace\"; leave one out")
        }
        return (namespace, "namespace")
    }
}
