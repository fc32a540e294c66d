import HTTP
import Hub

/// A repository: its kind, and its name.
struct RepoKey: Hashable, Sendable {
    let kind: RepoKind
    let id: RepoID

    /// The name of its folder in huggingface_hub's cache: `models--acme--m`. Names have no `--` in them, so it can be read back.
    var folder: String { ([kind.apiPath] + id.text.split(separator: "/").map(String.init)).joined(separator: "--") }

    /// As written by people: `acme/m`, `datasets/acme/d`.
    var text: String { kind.webPrefix + id.text }

    init(_ kind: RepoKind, _ id: RepoID) {
        self.kind = kind
        self.id = id
    }

    /// Nil for a text that is no repository's folder.
    init?(folder: String) {
        let parts = folder.split(separator: "-", omittingEmptySubsequences: false).reduce(into: [""]) { parts, piece in
            // Two in a row leave an empty piece between them.
            if piece.isEmpty, parts[parts.count - 1] != "" {
                parts.append("")
            } else {
                parts[parts.count - 1] += (parts[parts.count - 1].isEmpty ? "" : "-") + piece
            }
        }
        guard (2...3).contains(parts.count), let kind = RepoKind.allCases.first(where: { $0.apiPath == parts[0] }),
            let id = try? RepoID(parts.dropFirst().joined(separator: "/"))
        else { return nil }
        self.init(kind, id)
        guard self.folder == folder else { return nil }
    }
}

/// Names in git.
enum GitNames {
    /// Whether it is a commit's hash, all of it.
    static func isHash(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Whether git could hold a file at the path, which leads out of no folder.
    static func isPath(_ path: String) -> Bool {
        (1...1024).contains(path.utf8.count) && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0x5C }
            && path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }

    /// The content in git that points to a file in a store (the specification of Git LFS).
    static func pointer(_ content: BlobName, size: Int) -> [UInt8] {
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:\(content.hex)\nsize \(size)\n".utf8)
    }
}
