package import HTTP

/// Changes who can see a repository: `PUT /api/{models,datasets,spaces}/{namespace}/{name}/settings`.
package struct RepoUpdate: HubCall, Equatable {
    package let kind: RepoKind
    /// Always with a namespace.
    package let id: RepoID
    package let isPrivate: Bool

    /// Throws `badRequest` for an id without a namespace. Here the Hub does not assume the token's own: a bare name
    /// is an old canonical model without an owner, whereas policy takes a missing namespace as the token's own.
    package init(kind: RepoKind, id: RepoID, isPrivate: Bool, field: String = "namespace") throws(Failure) {
        guard id.namespace != nil else {
            throw .badField(field, "must be \"owner/name\": this call does not complete the owner")
        }
        self.kind = kind
        self.id = id
        self.isPrivate = isPrivate
    }

    /// Reads the facade's `{"type", "namespace": "owner/name", "private"}`; `name` may be used for `namespace`.
    /// Throws `badRequest`.
    package init(facade json: JSON) throws(Failure) {
        let body = try FacadeBody(json)
        let kind = try body.repoKind()
        let (text, field) = try body.fullName()
        try self.init(kind: kind, id: RepoID(text, field: field), isPrivate: body.flag("private"), field: field)
    }

    /// The repository's owner.
    package var namespace: String? { id.namespace }

    package var method: Method { .put }
    package var path: String { "/api/\(kind.apiPath)/\(id.path)/settings" }
    package var contentType: String? { "application/json" }

    /// A boolean: the facade's origin sent the string "true", which today's Hub refuses. For `private` against
    /// `visibility` see `RepoCreation`.
    package var body: [UInt8]? {
        get throws(Failure) {
            try JSON.object(["private": .bool(isPrivate)]).encoded()
        }
    }

    /// The Hub repeats the new values.
    package func read(_ body: [UInt8]) throws(Failure) {}
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

/// Deletes a repository for good: `DELETE /api/repos/delete`, which takes a body.
package struct RepoDeletion: HubCall, Equatable {
    package let kind: RepoKind
    /// Without a namespace it is one of the token's own.
    package let id: RepoID

    package init(kind: RepoKind, id: RepoID) {
        self.kind = kind
        self.id = id
    }

    /// Reads the facade's `{"type", "name"}`, where the name may be `owner/name`, or `organization` may name the owner.
    /// Throws `badRequest`.
    package init(facade json: JSON) throws(Failure) {
        let body = try FacadeBody(json)
        self.init(kind: try body.repoKind(), id: try body.repoID())
    }

    /// The repository's owner; nil for the token's own.
    package var namespace: String? { id.namespace }

    package var method: Method { .delete }
    package var path: String { "/api/repos/delete" }
    package var contentType: String? { "application/json" }

    package var body: [UInt8]? {
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
    package func read(_ body: [UInt8]) throws(Failure) {}
}
