/// The commits of one repository, the references to them, and all contents that were ever stored there.
package struct SandboxHistory: Sendable, Equatable {
    package private(set) var commits: [String: SandboxCommit] = [:]
    /// By name, without `refs/heads/`.
    package var branches: [String: String] = [:]
    package var tags: [String: String] = [:]
    /// The heads of pull requests, by number.
    package var pulls: [Int: String] = [:]
    /// LFS objects by SHA-256, also those that no commit names yet.
    package private(set) var objects: [String: [UInt8]] = [:]
    /// By Xet's hashes, how the same objects are made of chunks. One object may have come in two ways.
    package private(set) var xetFiles: [String: SandboxXetFile] = [:]
    /// The hash under which an object came last, by its SHA-256.
    package private(set) var xetHashes: [String: String] = [:]
    private var blobs: Set<String> = []
    /// About how much memory all this takes.
    package private(set) var heldBytes = 0

    package static let mostCommits = 10_000
    package static let mostReferences = 1000
    /// A place in a dictionary, with a path.
    private static let entryBytes = 128

    /// The commit that a branch, a tag, a pull request's reference or a hash of at least seven digits names.
    package func commit(at revision: String) -> SandboxCommit? {
        let id = branches[revision] ?? tags[revision] ?? reference(revision) ?? revision
        if let commit = commits[id] { return commit }
        guard id.count >= 7, id.allSatisfy(\.isHexDigit) else { return nil }
        let found = commits.values.filter { $0.id.hasPrefix(id) }
        return found.count == 1 ? found[0] : nil
    }

    private func reference(_ revision: String) -> String? {
        let parts = revision.split(separator: "/", maxSplits: 2).map(String.init)
        guard parts.count == 3, parts[0] == "refs" else { return nil }
        switch parts[1] {
        case "heads": return branches[parts[2]]
        case "tags": return tags[parts[2]]
        case "pr": return Int(parts[2]).flatMap { pulls[$0] }
        default: return nil
        }
    }

    /// From `commit` back to the first one.
    package func ancestry(of commit: SandboxCommit) -> [SandboxCommit] {
        Array(sequence(first: commit) { $0.parent.flatMap { commits[$0] } })
    }

    /// The commit that made `path` what it is in `commit`.
    package func lastChange(of path: String, in commit: SandboxCommit) -> SandboxCommit {
        var last = commit
        while let parent = last.parent.flatMap({ commits[$0] }), parent.tree[path] == commit.tree[path] {
            last = parent
        }
        return last
    }

    /// Keeps a commit; the caller sets the references to it.
    package mutating func add(_ commit: SandboxCommit) throws(SandboxRefusal) {
        guard commits[commit.id] == nil else { return }
        guard commits.count < Self.mostCommits else { throw .full("commits in this repository") }
        heldBytes += commit.tree.files.count * Self.entryBytes + commit.message.utf8.count
        for file in commit.tree.files.values where file.linked == nil && blobs.insert(file.oid).inserted {
            heldBytes += file.content.count + Self.entryBytes
        }
        commits[commit.id] = commit
    }

    /// An object that came by LFS.
    package mutating func store(_ content: [UInt8], as sha256: String) {
        guard objects[sha256] == nil else { return }
        store(content, as: SandboxXetFile(lfs: sha256))
    }

    /// An object that came by Xet.
    package mutating func store(_ content: [UInt8], as file: SandboxXetFile) {
        if objects.updateValue(content, forKey: file.sha256) == nil { heldBytes += content.count + Self.entryBytes }
        if xetFiles.updateValue(file, forKey: file.hash) == nil {
            heldBytes += (1 + file.terms.count) * Self.entryBytes
        }
        xetHashes[file.sha256] = file.hash
    }

    package var referenceCount: Int { branches.count + tags.count + pulls.count }
}
