import Hub

/// All files of one commit, and the folders that they are in.
package struct SandboxTree: Sendable, Equatable {
    package enum Entry: Sendable, Equatable {
        case file(SandboxFile)
        /// With the id of its git tree.
        case folder(String)
    }

    package let files: [String: SandboxFile]
    /// The id of each folder's git tree; the root is "".
    private let folders: [String: String]

    package static let mostFiles = 100_000
    package static let longestPath = 1024

    package init(_ files: [String: SandboxFile], _ digest: Digest) {
        self.files = files
        folders = Self.folders(of: files, digest)
    }

    /// The id of the git tree.
    package var oid: String { folders[""] ?? "" }

    package subscript(_ path: String) -> Entry? {
        if let file = files[path] { return .file(file) }
        return path.isEmpty ? nil : folders[path].map(Entry.folder)
    }

    /// The content of `folder`, by path: its direct entries, or all. Nil if there is no such folder.
    package func list(_ folder: String, recursive: Bool) -> [(path: String, entry: Entry)]? {
        guard folders[folder] != nil else { return nil }
        // By bytes: a tree may be long, and counting characters is slow.
        let prefix = Array((folder.isEmpty ? "" : folder + "/").utf8)
        func isListed(_ path: String) -> Bool {
            path.utf8.count > prefix.count && path.utf8.starts(with: prefix)
                && (recursive || !path.utf8.dropFirst(prefix.count).contains(UInt8(ascii: "/")))
        }
        let entries =
            files.lazy.filter { isListed($0.key) }.map { (path: $0.key, entry: Entry.file($0.value)) }
            + folders.lazy.filter { isListed($0.key) }.map { (path: $0.key, entry: Entry.folder($0.value)) }
        return entries.sorted { $0.path < $1.path }
    }

    /// Whether git could hold a file at `path`; the caller checks that no file or folder is in its way.
    package static func isPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count <= longestPath && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            && parts.allSatisfy { !["", ".", "..", ".git"].contains($0) }
    }

    /// The folders above `path`, the nearest first; the root is the last.
    package static func ancestors(of path: String) -> [String] {
        var found: [String] = []
        var rest = Substring(path)
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            found.append(String(rest))
        }
        return found + [""]
    }
}

extension SandboxTree {
    private struct Child {
        let name: String
        let mode: String
        let oid: String

        /// Git sorts folders as if their names ended with a slash.
        var order: String { mode == "40000" ? name + "/" : name }

        var bytes: [UInt8] { Array("\(mode) \(name)\0".utf8) + Self.raw(oid) }

        private static func raw(_ hex: String) -> [UInt8] {
            let digits = Array(hex.utf8).map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
            return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        }
    }

    /// Hashes from the deepest folder up, as a folder's id goes into that of the folder above it.
    private static func folders(of files: [String: SandboxFile], _ digest: Digest) -> [String: String] {
        var children: [String: [Child]] = ["": []]
        for (path, file) in files {
            let above = ancestors(of: path)
            for folder in above where children[folder] == nil { children[folder] = [] }
            children[above[0], default: []].append(Child(name: name(of: path), mode: "100644", oid: file.oid))
        }
        var oids: [String: String] = [:]
        for folder in children.keys.sorted(by: { depth($0) > depth($1) }) {
            let sorted = children[folder, default: []].sorted {
                Array($0.order.utf8).lexicographicallyPrecedes($1.order.utf8)
            }
            let oid = digest.gitObject("tree", sorted.flatMap(\.bytes))
            oids[folder] = oid
            guard !folder.isEmpty else { continue }
            children[ancestors(of: folder)[0], default: []].append(
                Child(name: name(of: folder), mode: "40000", oid: oid))
        }
        return oids
    }

    private static func name(of path: String) -> String {
        String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
    }

    private static func depth(_ folder: String) -> Int {
        folder.isEmpty ? 0 : 1 + folder.utf8.count { $0 == UInt8(ascii: "/") }
    }
}
