import Hub

/// A file of a repository at one commit.
struct SandboxFile: Sendable, Equatable {
    /// The id of its git blob; of the pointer's for an LFS file.
    let oid: String
    /// What `resolve` gives.
    let content: [UInt8]
    /// The SHA-256 of the content of an LFS file; nil for a file that git holds itself.
    let linked: String?
    /// What Xet knows an LFS file by; it knows no empty one.
    let xetHash: String?

    /// Larger files must be LFS ones.
    static let longestRegular = 10 << 20
    static let longest = 64 << 20

    init(regular content: [UInt8], _ digest: Digest) {
        oid = digest.gitObject("blob", content)
        self.content = content
        linked = nil
        xetHash = nil
    }

    init(linked sha256: String, content: [UInt8], xetHash: String?, _ digest: Digest) {
        oid = digest.gitObject("blob", Self.pointer(sha256, content.count))
        self.content = content
        linked = sha256
        self.xetHash = content.isEmpty ? nil : xetHash
    }

    /// What git holds, and `raw` gives: the content, or an LFS file's pointer.
    var blob: [UInt8] { linked.map { Self.pointer($0, content.count) } ?? content }

    /// For the ETag of what `resolve` gives, and of the LFS batch.
    var etag: String { linked ?? oid }

    /// As a tree lists it.
    func json(at path: String) -> [String: JSON] {
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
    func gitObject(_ type: String, _ content: [UInt8]) -> String {
        Self.hex(sha1(Array("\(type) \(content.count)\0".utf8) + content))
    }

    func sha256Hex(_ content: [UInt8]) -> String { Self.hex(sha256(content)) }

    static func hex(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
