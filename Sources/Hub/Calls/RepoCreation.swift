package import HTTP

/// Creates a repository: `POST /api/repos/create`.
package struct RepoCreation: HubCall, Equatable {
    package let kind: RepoKind
    /// Without a namespace it is created in the token's own.
    package let id: RepoID
    package let isPrivate: Bool
    /// For a space, which needs one; nil for other kinds.
    package let sdk: SpaceSDK?

    /// `sdk` is ignored unless `kind` is a space. The default for a space is `static`: it needs no hardware.
    package init(kind: RepoKind, id: RepoID, isPrivate: Bool, sdk: SpaceSDK? = nil) {
        self.kind = kind
        self.id = id
        self.isPrivate = isPrivate
        self.sdk = kind == .space ? sdk ?? .static : nil
    }

    /// Reads the facade's `{"type", "name", "private"}` with, if wanted, `organization` and a space's `sdk`; other
    /// fields are ignored. Throws `badRequest`.
    package init(facade json: JSON) throws(Failure) {
        let body = try FacadeBody(json)
        let kind = try body.repoKind()
        self.init(kind: kind, id: try body.repoID(), isPrivate: try body.flag("private"), sdk: try body.sdk(of: kind))
    }

    /// The repository's future owner; nil for the token's own.
    package var namespace: String? { id.namespace }

    package var method: Method { .post }
    package var path: String { "/api/repos/create" }
    package var contentType: String? { "application/json" }

    package var body: [UInt8]? {
        get throws(Failure) {
            var members: [String: JSON] = [
                "type": .string(kind.apiName),
                "name": .string(id.name),
                "organization": id.namespace.map(JSON.string) ?? .null,
                // `private`, not the newer `visibility`: the facade's callers send no more than this boolean, and every
                // Hub understands it, also those for clients before 1.0.
                "private": .bool(isPrivate),
            ]
            if let sdk { members["sdk"] = .string(sdk.rawValue) }
            return try JSON.object(members).encoded()
        }
    }

    package func read(_ body: [UInt8]) throws(Failure) -> Repo {
        guard let json = try? JSON.parse(body, within: limits), let url = json["url"]?.stringValue else {
            throw .hubBroken("it accepted the new repository but did not say where it is; check whether it exists")
        }
        let named = json["name"]?.stringValue.flatMap { try? RepoID($0) }
        return Repo(kind: kind, id: named ?? id, url: url)
    }
}

extension FacadeBody {
    fileprivate func sdk(of kind: RepoKind) throws(Failure) -> SpaceSDK? {
        guard kind == .space, let text = try optionalString("sdk") else { return nil }
        guard let sdk = SpaceSDK(rawValue: text) else {
            throw .badField("sdk", "must be \"gradio\", \"streamlit\", \"docker\" or \"static\", was another string")
        }
        return sdk
    }
}
