package import Hub

/// One commit, with all files as they are after it.
package struct SandboxCommit: Sendable, Equatable {
    /// The id that git would give it.
    package let id: String
    package let parent: String?
    package let author: String
    package let title: String
    package let message: String
    /// Seconds since 1970.
    package let date: Int64
    package let tree: SandboxTree

    package init(
        of tree: SandboxTree, after parent: String?, by author: String, title: String, message: String = "",
        at date: Int64, _ digest: Digest
    ) {
        let person = "\(author) <\(author)@sandbox.invalid> \(date) +0000"
        let lines = [
            "tree \(tree.oid)\n", parent.map { "parent \($0)\n" } ?? "", "author \(person)\ncommitter \(person)\n\n",
            title, message.isEmpty ? "" : "\n\n\(message)",
        ]
        id = digest.gitObject("commit", Array(lines.joined().utf8))
        self.parent = parent
        self.author = author
        self.title = title
        self.message = message
        self.date = date
        self.tree = tree
    }

    package var json: JSON {
        [
            "id": .string(id), "title": .string(title), "message": .string(message),
            "date": .string(SandboxRepo.timestamp(date)),
            "authors": [["user": .string(author), "avatar": .string("/avatars/\(author).svg")]],
        ]
    }

    /// In the form in which a tree shows the last commit of an entry.
    package var short: JSON {
        ["id": .string(id), "title": .string(title), "date": .string(SandboxRepo.timestamp(date))]
    }
}

/// A file of a repository at one commit.
package struct SandboxFile: Sendable, Equatable {
    /// The id of its git blob; of the pointer's for an LFS file.
    package let oid: String
    /// What `resolve` gives.
    package let content: [UInt8]
    /// The SHA-256 of the content of an LFS file; nil for a file that git holds itself.
    package let linked: String?
    /// Xet's hash of an LFS file; nil for an empty one.
    package let xetHash: String?

    /// Larger files must be LFS ones.
    package static let longestRegular = 10 << 20
    package static let longest = 64 << 20

    package init(regular content: [UInt8], _ digest: Digest) {
        oid = digest.gitObject("blob", content)
        self.content = content
        linked = nil
        xetHash = nil
    }

    package init(linked sha256: String, content: [UInt8], xetHash: String?, _ digest: Digest) {
        oid = digest.gitObject("blob", Self.pointer(sha256, content.count))
        self.content = content
        linked = sha256
        self.xetHash = content.isEmpty ? nil : xetHash
    }

    /// The content in git, and of `raw`: the file's content, or an LFS file's pointer.
    package var blob: [UInt8] { linked.map { Self.pointer($0, content.count) } ?? content }

    /// For the ETag of `resolve`, and for the LFS batch.
    package var etag: String { linked ?? oid }

    /// In the form of a tree's entry.
    package func json(at path: String) -> [String: JSON] {
        var members: [String: JSON] = [
            "type": "file", "path": .string(path), "oid": .string(oid), "size": .integer(Int64(content.count)),
        ]
        if let linked {
            members["lfs"] = [
                "oid": .string(linked), "size": .integer(Int64(content.count)),
                "pointerSize": .integer(Int64(blob.count)),
            ]
        }
        if let xetHash { members["xetHash"] = .string(xetHash) }
        return members
    }

    /// The pointer file of the LFS specification, version 1.
    private static func pointer(_ sha256: String, _ size: Int) -> [UInt8] {
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:\(sha256)\nsize \(size)\n".utf8)
    }
}

extension Digest {
    /// The id that git gives to an object: hexadecimal SHA-1 of its type, length and content.
    package func gitObject(_ type: String, _ content: [UInt8]) -> String {
        Self.hex(sha1(Array("\(type) \(content.count)\0".utf8) + content))
    }

    package func sha256Hex(_ content: [UInt8]) -> String { Self.hex(sha256(content)) }

    package static func hex(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

/// The digests that git and LFS name things by, as values: code without I/O can be given them.
package struct Digest: Sendable {
    /// 20 bytes.
    package let sha1: @Sendable ([UInt8]) -> [UInt8]
    /// 32 bytes.
    package let sha256: @Sendable ([UInt8]) -> [UInt8]

    package init(
        sha1: @escaping @Sendable ([UInt8]) -> [UInt8], sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) {
        self.sha1 = sha1
        self.sha256 = sha256
    }
}
