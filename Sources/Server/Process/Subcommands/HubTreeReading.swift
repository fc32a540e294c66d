import EventIO
import Glibc
import Hub

/// Reads one repository of a tree, and takes into the cache what is right. The tree is not trusted: no link is followed except to a blob of the
/// same repository.
final class HubTreeReading {
    static let longestGitFile = 10 << 20
    private static let mostDepth = 32

    let tree: HubTree
    let incoming: CacheDirectory
    let target: CacheDirectory
    /// What was left out and why, a phrase each.
    private(set) var faults: [String] = []
    private(set) var files = 0
    private(set) var revisions = 0
    /// By their names in `blobs`; nil: left out.
    var known: [String: Taken?] = [:]

    struct Taken {
        let content: BlobName?
        let size: Int
        let oid: String
        let place: HeldEntry.Place

        func entry(_ path: String) -> HeldEntry {
            HeldEntry(path: path, size: size, oid: oid, place: place, content: content)
        }
    }

    /// Throws where the cache's disk cannot be written.
    init(_ tree: HubTree, incoming: CacheDirectory, target: CacheDirectory) throws(FileError) {
        (self.tree, self.incoming, self.target) = (tree, incoming, target)
        if let link = ["", "blobs", "snapshots", "refs"].first(where: { !isFolderOrAbsent($0) }) {
            fault(link, "is no directory of its own")
            return
        }
        for commit in HubTree.names(in: tree.path + "/snapshots") ?? [] {
            guard GitNames.isHash(commit), isFolderOrAbsent("snapshots/" + commit) else {
                fault("snapshots/" + commit, "is no directory with a commit's name")
                continue
            }
            try readSnapshot(commit)
        }
        try readRefs(tree.path + "/refs", "", 0)
    }

    func fault(_ path: String, _ reason: String) { faults.append("\(tree.repo.folder)/\(path.shown) \(reason)") }

    /// Whether a part of the tree is no link, which could lead to any file of the machine.
    private func isFolderOrAbsent(_ part: String) -> Bool {
        var status = stat()
        guard unsafe lstat(tree.path + (part.isEmpty ? "" : "/" + part), &status) == 0 else { return errno == ENOENT }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    private func readSnapshot(_ commit: String) throws(FileError) {
        var entries: [HeldEntry] = []
        try readFolder("snapshots/" + commit, "", 0, &entries)
        // What the exporting gateway knew, where that is whole; what it says of files is checked against these.
        let earlier = (try? target.read(tree.hidden(commit), atMost: HeldRevision.mostBytes)).flatMap {
            HeldRevision($0)
        }
        .flatMap { $0.repo == tree.repo && $0.commit == commit ? $0 : nil }
        guard !entries.isEmpty || earlier != nil else { return }
        // A second import adds to the first.
        let present = target.revision(tree.repo, commit: commit)
        let base = earlier ?? present
        var all: [String: HeldEntry] = [:]
        for entry in base.map({ Array($0.entries) }) ?? Self.folders(of: entries) {
            all[entry.path] = entry.withoutContent
        }
        for entry in present.map({ Array($0.entries) }) ?? [] where all[entry.path]?.oid == entry.oid {
            all[entry.path] = entry
        }
        for entry in entries {
            let told = base?[entry.path]
            guard base == nil || told?.etag == entry.etag && told?.size == entry.size else {
                fault("snapshots/\(commit)/\(entry.path)", "is another file than the revision has")
                continue
            }
            all[entry.path] = told?.with(entry.content) ?? entry
        }
        files += entries.count
        revisions += 1
        try target.keep(
            HeldRevision(
                tree.repo, commit: commit, isOpen: base?.isOpen ?? false, taken: base?.taken ?? KeyInput.now,
                info: base?.info ?? Self.info(tree.repo, commit, entries), entries: HeldEntries(all.values)),
            as: nil)
    }

    private func readFolder(_ folder: String, _ prefix: String, _ depth: Int, _ entries: inout [HeldEntry])
        throws(FileError)
    {
        guard depth < Self.mostDepth, entries.count < HeldRevision.mostEntries else {
            return fault(folder, "is too deep or too large")
        }
        for name in HubTree.names(in: tree.path + "/" + folder) ?? [] {
            let (place, path) = (folder + "/" + name, prefix + name)
            guard GitNames.isPath(path) else {
                fault(place, "is called like no file of git")
                continue
            }
            var status = stat()
            guard unsafe lstat(tree.path + "/" + place, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try readFolder(place, path + "/", depth + 1, &entries)
            case S_IFLNK:
                guard let blob = blobName(place, depth) else {
                    fault(place, "leads to no blob of this repository")
                    continue
                }
                if let taken = try take("blobs/" + blob, as: blob) { entries.append(taken.entry(path)) }
            case S_IFREG:
                // As on systems without links: the copy's content gives its name.
                if let taken = try take(place, as: nil) { entries.append(taken.entry(path)) }
            default: fault(place, "is no file")
            }
        }
    }

    /// The blob that a link leads to: `../../blobs/NAME`, as many folders up as it is deep, and nowhere else.
    private func blobName(_ place: String, _ depth: Int) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink(tree.path + "/" + place, &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        let link = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let prefix = String(repeating: "../", count: depth + 2) + "blobs/"
        guard link.hasPrefix(prefix) else { return nil }
        let name = String(link.dropFirst(prefix.count))
        return BlobName(name) != nil || GitNames.isHash(name) ? name : nil
    }
}

// MARK: the revision

extension HubTreeReading {
    private func readRefs(_ folder: String, _ prefix: String, _ depth: Int) throws(FileError) {
        guard depth < Self.mostDepth else { return }
        for name in HubTree.names(in: folder) ?? [] {
            let (place, ref) = (folder + "/" + name, prefix + name)
            var status = stat()
            guard (try? Revision(ref)) != nil, unsafe lstat(place, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                try readRefs(place, ref + "/", depth + 1)
            } else if status.st_mode & S_IFMT == S_IFREG, let bytes = try? target.read(place, atMost: 64) {
                let commit = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
                guard GitNames.isHash(commit), let revision = target.revision(tree.repo, commit: commit) else {
                    fault("refs/" + ref, "names a commit that is not here")
                    continue
                }
                try target.keep(revision, as: ref)
            } else {
                fault("refs/" + ref, "is no file with a commit in it")
            }
        }
    }

    /// The folders of the files. Their names in git are not known.
    private static func folders(of entries: [HeldEntry]) -> [HeldEntry] {
        let paths = entries.reduce(into: Set<String>()) { found, entry in
            let parts = entry.path.split(separator: "/").dropLast()
            for count in 0..<parts.count { found.insert(parts[...(parts.startIndex + count)].joined(separator: "/")) }
        }
        return paths.map { HeldEntry(path: $0, size: 0, oid: String(repeating: "0", count: 40), place: .folder) }
    }

    /// The Hub's information about the revision, as far as its files tell it.
    private static func info(_ repo: RepoKey, _ commit: String, _ entries: [HeldEntry]) -> [UInt8] {
        let json: JSON = [
            "_id": "", "id": .string(repo.id.text), "modelId": .string(repo.id.text), "sha": .string(commit),
            "author": repo.id.namespace.map { .string($0) } ?? .null, "private": true, "gated": false,
            "disabled": false,
            "tags": [], "downloads": 0, "likes": 0,
            "siblings": .array(entries.map { ["rfilename": .string($0.path)] }),
        ]
        return (try? json.encoded()) ?? []
    }
}

extension HeldEntry {
    /// A hash that a tree names without the content is not believed: it would give access to content of others in the cache.
    fileprivate var withoutContent: HeldEntry { with(nil) }

    fileprivate func with(_ content: BlobName?) -> HeldEntry {
        let place = place == .pointer && content != nil ? .store : place
        return HeldEntry(path: path, size: size, oid: oid, place: place, content: content)
    }
}
