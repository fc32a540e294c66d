import Hub

extension Sandbox {
    /// With `expand` each entry costs a walk through the history, here as on the Hub.
    private static let largestExpandedPage = 50

    /// GET /api/{kind}/{id}/tree/{revision}[/{path}]?recursive=&expand=&limit=&cursor=
    static func tree(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, commit) = try hub.commit(of: call)
        guard let entries = commit.tree.list(call.path, recursive: call.query.isSet("recursive")) else {
            throw .entryNotFound(in: commit)
        }
        let expand = call.query.isSet("expand")
        return try hub.paged(
            entries, for: call, size: expand ? largestExpandedPage : largestPage, cursor: \.path
        ) { json($0.entry, at: $0.path, in: commit, of: repo, expand: expand) }
    }

    /// POST /api/{kind}/{id}/paths-info/{revision}: what is not there is left out.
    static func pathsInfo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, commit) = try hub.commit(of: call)
        let (paths, expand) = try wantedPaths(call)
        let found = paths.compactMap { path in
            commit.tree[path].map { json($0, at: path, in: commit, of: repo, expand: expand) }
        }
        return Response(.ok, hub: .array(found))
    }

    /// From a form (Python) or from JSON (JavaScript).
    private static func wantedPaths(_ call: SandboxCall) throws(SandboxRefusal) -> (paths: [String], expand: Bool) {
        let paths: [String]
        let expand: Bool
        if call.request.headers.mediaType == "application/x-www-form-urlencoded" {
            guard call.request.body.count <= SandboxBody.longest else { throw .tooLarge }
            let form = SandboxQuery(String(decoding: call.request.body, as: UTF8.self))
            (paths, expand) = (form.values(of: "paths"), form.isSet("expand"))
        } else {
            let body = try call.body()
            (paths, expand) = (try body.strings("paths"), try body.optionalFlag("expand") ?? false)
        }
        guard paths.count <= largestPage else { throw .badRequest("\"paths\" must have at most \(largestPage) items") }
        return (paths, expand)
    }

    private static func json(
        _ entry: SandboxTree.Entry, at path: String, in commit: SandboxCommit, of repo: SandboxRepo, expand: Bool
    ) -> JSON {
        var members: [String: JSON]
        switch entry {
        case .file(let file): members = file.json(at: path)
        case .folder(let oid): members = ["type": "directory", "path": .string(path), "oid": .string(oid), "size": 0]
        }
        if expand {
            members["lastCommit"] = repo.history.lastChange(of: path, in: commit).short
            if case .file = entry {
                members["securityFileStatus"] = ["status": "unscanned", "avScan": nil, "pickleImportScan": nil]
            }
        }
        return .object(members)
    }
}
