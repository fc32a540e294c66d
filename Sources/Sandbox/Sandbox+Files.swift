package import HTTP
import Hub

extension Sandbox {
    /// GET /{web}/{id}/resolve/{revision}/{path}: a redirect, for a small file to the Hub itself, for an LFS file to the CDN.
    package static func resolve(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
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
    package static func resolveCache(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (_, commit, file) = try hub.file(of: call)
        guard file.linked == nil else { throw .entryNotFound(in: commit) }
        var fields = fields(of: commit)
        fields.set("Cache-Control", "public, max-age=31536000, immutable")
        let content = SandboxContent(bytes: file.content, etag: file.oid, path: call.path, headers: fields)
        return hub.cut(content.response(to: call.request), of: file.oid, to: call.request)
    }

    /// GET /{web}/{id}/raw/{revision}/{path}: the content in git, which is a pointer for an LFS file.
    package static func raw(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
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

extension Sandbox {
    /// With `expand` each entry costs a walk through the history, here as on the Hub.
    private static let largestExpandedPage = 50

    /// GET /api/{kind}/{id}/tree/{revision}[/{path}]?recursive=&expand=&limit=&cursor=
    package static func tree(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, commit) = try hub.commit(of: call)
        guard let entries = commit.tree.list(call.path, recursive: call.query.isSet("recursive")) else {
            throw .entryNotFound(in: commit)
        }
        let expand = call.query.isSet("expand")
        return try hub.paged(
            entries, for: call, size: expand ? largestExpandedPage : largestPage, cursor: \.path
        ) { json($0.entry, at: $0.path, in: commit, of: repo, expand: expand) }
    }

    /// POST /api/{kind}/{id}/paths-info/{revision}: paths that do not exist are left out.
    package static func pathsInfo(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
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

/// The parameters of a query, in order, as received; decoded when asked for.
package struct SandboxQuery {
    private let pairs: [String]

    package init(_ query: String) {
        pairs = query.split(separator: "&").map(String.init)
    }

    /// The first value of `name`; nil without one or with an empty one.
    package subscript(_ name: String) -> String? {
        pairs.lazy.map(Self.split).first { $0.name == name }
            .flatMap { $0.value.isEmpty ? nil : Self.decode($0.value) }
    }

    /// All values of `name` in order.
    package func values(of name: String) -> [String] {
        pairs.lazy.map(Self.split).filter { $0.name == name }.map { Self.decode($0.value) }
    }

    /// Whether `name` is true for Python or JavaScript.
    package func isSet(_ name: String) -> Bool { ["1", "true"].contains(self[name]?.lowercased()) }

    /// The same parameters, unchanged, with `value` as the last and only `name`. `value` must be encoded. Characters that
    /// would end a URL in a Link field are encoded.
    package func replacing(_ name: String, with value: String) -> String {
        (pairs.filter { Self.split($0).name != name } + ["\(name)=\(value)"]).joined(separator: "&")
            .split(separator: ">", omittingEmptySubsequences: false).joined(separator: "%3E")
    }

    private static func split(_ pair: String) -> (name: String, value: Substring) {
        let name = pair.prefix { $0 != "=" }
        return (decode(name), pair.dropFirst(name.count + 1))
    }

    /// Decodes escapes and `+` (the form encoding that HTTP libraries use); a malformed escape stays as it is.
    private static func decode(_ text: Substring) -> String {
        var decoded: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            // Checked one by one: "+f" is a number to UInt8 as well.
            if byte == UInt8(ascii: "%"), digits.count == 2,
                digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
                let value = UInt8(Substring(digits), radix: 16)
            {
                decoded.append(value)
                rest.removeFirst(2)
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
