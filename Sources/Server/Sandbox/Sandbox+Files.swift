import Hub

extension Sandbox {
    /// GET /{web}/{id}/resolve/{revision}/{path}: a redirect, for a small file to the Hub itself, for an LFS file to the CDN.
    static func resolve(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, commit, file) = try hub.file(of: call)
        var fields = fields(of: commit)
        guard let linked = file.linked else {
            let path = call.path.split(separator: "/").map { PercentEncoding.encode(segment: String($0)) }
            fields.set(
                "Location",
                "/api/resolve-cache/\(repo.kind.apiPath)/\(repo.id.path)/\(commit.id)/\(path.joined(separator: "/"))"
                    + "?etag=%22\(file.oid)%22")
            return Response(.temporaryRedirect, headers: fields, body: Array("Temporary Redirect".utf8))
        }
        fields.set("ETag", "\"\(linked)\"")
        hub.setXetFields(of: file, in: repo, at: commit, &fields)
        if SandboxContent(bytes: [], etag: linked, path: "").response(to: call.request).status == .notModified {
            return Response(.notModified, headers: fields)
        }
        fields.set("X-Linked-Etag", "\"\(linked)\"")
        fields.set("X-Linked-Size", String(file.content.count))
        fields.set("Accept-Ranges", "bytes")
        fields.set("Location", hub.downloadURL(of: linked, in: repo, named: call.path))
        return Response(.found, headers: fields, body: Array("Found. Redirecting to a signed URL".utf8))
    }

    /// GET /api/resolve-cache/{kind}/{id}/{commit}/{path}
    static func resolveCache(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (_, commit, file) = try hub.file(of: call)
        guard file.linked == nil else { throw .entryNotFound(in: commit) }
        var fields = fields(of: commit)
        fields.set("Cache-Control", "public, max-age=31536000, immutable")
        let content = SandboxContent(bytes: file.content, etag: file.oid, path: call.path, headers: fields)
        return hub.cut(content.response(to: call.request), of: file.oid, to: call.request)
    }

    /// GET /{web}/{id}/raw/{revision}/{path}: what git holds, so of an LFS file its pointer.
    static func raw(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (_, commit, file) = try hub.file(of: call)
        return SandboxContent(bytes: file.blob, etag: file.oid, path: call.path, headers: fields(of: commit))
            .response(to: call.request)
    }

    private static func fields(of commit: SandboxCommit) -> Headers {
        [
            "X-Repo-Commit": commit.id, "Vary": "Origin, Accept", "Content-Type": "text/plain; charset=utf-8",
            "Access-Control-Expose-Headers":
                "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,"
                + "X-Linked-Size,X-Linked-ETag,X-Xet-Hash",
        ]
    }

    private func file(of call: SandboxCall) throws(SandboxRefusal) -> (SandboxRepo, SandboxCommit, SandboxFile) {
        let (repo, commit) = try commit(of: call)
        guard let file = commit.tree.files[call.path] else { throw .entryNotFound(in: commit) }
        return (repo, commit, file)
    }
}
