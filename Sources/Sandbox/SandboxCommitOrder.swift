import FoundationEssentials
package import HTTP
import Hub

/// The body of a commit: lines of JSON, first a header with the message, then the operations.
package struct SandboxCommitOrder {
    package enum Change {
        case put(path: String, content: [UInt8])
        case link(path: String, sha256: String)
        case delete(path: String)
        /// With everything below it.
        case deleteFolder(path: String)
    }

    package let summary: String
    package let description: String
    package let parent: String?
    package let changes: [Change]

    private static let mostChanges = 25_000

    package init(_ request: Request) throws(SandboxRefusal) {
        guard request.headers.mediaType == "application/x-ndjson" else {
            throw .badRequest("The body must be application/x-ndjson")
        }
        var header: SandboxBody?
        var changes: [Change] = []
        for line in request.body.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSON.parse(Array(line), within: .sandbox), let key = json["key"]?.stringValue else {
                throw .badRequest("Each line must be {\"key\", \"value\"}")
            }
            let value = try SandboxBody(json["value"], named: "value")
            if key == "header" {
                guard header == nil, changes.isEmpty else { throw .badRequest("The header must come first, once") }
                header = value
            } else {
                changes.append(try Self.change(key, value))
            }
            guard changes.count <= Self.mostChanges else { throw .tooLarge }
        }
        guard let header else { throw .badRequest("The header must come first, once") }
        summary = try header.string("summary")
        description = try header.nullableString("description") ?? ""
        parent = try header.nullableString("parentCommit")
        self.changes = changes
    }

    private static func change(_ key: String, _ value: SandboxBody) throws(SandboxRefusal) -> Change {
        let path = try value.string("path")
        switch key {
        case "file":
            let encoded = try value.string("content")
            let isBase64 = try value.nullableString("encoding") == "base64"
            guard let content = isBase64 ? Data(base64Encoded: encoded).map(Array.init) : Array(encoded.utf8) else {
                throw .badRequest("The content of \(SandboxRefusal.shown(path)) is not base64")
            }
            return .put(path: path, content: content)
        case "lfsFile": return .link(path: path, sha256: try value.string("oid"))
        case "deletedFile": return .delete(path: path)
        case "deletedFolder": return .deleteFolder(path: path.hasSuffix("/") ? String(path.dropLast()) : path)
        default: throw .badRequest("Unknown key in the body")
        }
    }

    /// The files of `head` after the changes. Throws 400 and 404 for changes that are not possible.
    package func apply(to head: SandboxCommit, of history: SandboxHistory, _ digest: Digest) throws(SandboxRefusal)
        -> [String:
        SandboxFile]
    {
        var files = head.tree.files
        for change in changes {
            switch change {
            case .put(let path, let content):
                guard content.count <= SandboxFile.longestRegular else {
                    throw .badRequest("\(SandboxRefusal.shown(path)) is larger than 10 MiB: upload it with LFS")
                }
                files[path] = SandboxFile(regular: content, digest)
            case .link(let path, let sha256):
                guard let content = history.objects[sha256] else {
                    throw .badRequest("The LFS object of \(SandboxRefusal.shown(path)) was not uploaded")
                }
                files[path] = SandboxFile(
                    linked: sha256, content: content, xetHash: history.xetHashes[sha256], digest)
            case .delete(let path):
                guard files.removeValue(forKey: path) != nil else { throw .entryNotFound(in: head) }
            case .deleteFolder(let path):
                let kept = files.filter { !$0.key.hasPrefix(path + "/") }
                guard kept.count < files.count else { throw .entryNotFound(in: head) }
                files = kept
            }
        }
        try checkPaths(in: files)
        return files
    }

    private func checkPaths(in files: [String: SandboxFile]) throws(SandboxRefusal) {
        for change in changes {
            let path: String
            switch change {
            case .put(let put, _): path = put
            case .link(let link, _): path = link
            case .delete, .deleteFolder: continue
            }
            // A file has no files below it; a file that is added first and deleted later does not matter.
            guard SandboxTree.isPath(path), !SandboxTree.ancestors(of: path).contains(where: { files[$0] != nil })
            else {
                throw .badRequest("Invalid path: \(SandboxRefusal.shown(path))")
            }
        }
        let isNew = Set(files.keys)
        for path in isNew where SandboxTree.ancestors(of: path).contains(where: isNew.contains) {
            throw .badRequest("Invalid path: \(SandboxRefusal.shown(path))")
        }
    }
}

extension SandboxRefusal {
    /// A stranger's text for a message, which goes into a header.
    package static func shown(_ text: String) -> String { PercentEncoding.encode(segment: String(text.prefix(100))) }
}
