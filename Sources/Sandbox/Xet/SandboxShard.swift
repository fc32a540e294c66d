import HTTP
import Hub

/// The client's last upload: how its files are made of chunks, and which xorbs it made for them
/// (huggingface.co/docs/xet/shard).
package struct SandboxShard {
    package struct Xorb: Equatable {
        package let hash: String
        package let chunkCount: Int
        package let unpackedLength: Int
    }

    package private(set) var files: [SandboxXetFile] = []
    package private(set) var xorbs: [Xorb] = []

    package static let longest = 64 << 20

    private static let tag =
        Array("HFRepoMetaData\0".utf8) + [
            85, 105, 103, 69, 106, 123, 129, 87, 131, 165, 189, 217, 92, 205, 209, 74, 169,
        ]
    private static let version = 2
    private static let entryLength = 48
    private static let hasVerification = 1 << 31
    private static let hasMetadata = 1 << 30
    /// Instead of a hash: there are no more entries.
    private static let bookend = String(repeating: "f", count: 64)

    /// Throws 400 for a malformed shard. A footer, which must not be there, is ignored, as on the Hub.
    package init(_ bytes: [UInt8]) throws(SandboxRefusal) {
        guard bytes.count <= Self.longest else { throw .badRequest("A shard has at most 64 MiB") }
        var input = SandboxBytes(bytes[...], of: "shard")
        guard try input.next(Self.tag.count).elementsEqual(Self.tag), try input.number(of: 4) == Self.version,
            try input.number(of: 4) == 0
        else { throw .badRequest("That is no shard of version \(Self.version)") }
        // How long the footer is.
        _ = try input.next(8)
        while let file = try Self.file(&input) { files.append(file) }
        while let xorb = try Self.xorb(&input) { xorbs.append(xorb) }
    }

    private static func file(_ input: inout SandboxBytes) throws(SandboxRefusal) -> SandboxXetFile? {
        let hash = try input.hash()
        let flags = try input.number(of: 4)
        let count = try input.number(of: 4)
        _ = try input.next(8)
        guard hash != bookend else { return nil }
        guard count <= input.left / entryLength else { throw .badRequest("The shard ends too early") }
        var terms: [SandboxXetFile.Term] = []
        for _ in 0..<count { terms.append(try term(&input)) }
        if flags & hasVerification != 0 { _ = try input.next(count * entryLength) }
        guard flags & hasMetadata != 0 else { throw .badRequest("A file in the shard has no SHA-256") }
        let sha256 = try input.hash()
        _ = try input.next(16)
        return SandboxXetFile(hash: hash, sha256: sha256, terms: terms)
    }

    private static func term(_ input: inout SandboxBytes) throws(SandboxRefusal) -> SandboxXetFile.Term {
        let hash = try input.hash()
        _ = try input.number(of: 4)
        let unpackedLength = try input.number(of: 4)
        let (first, end) = (try input.number(of: 4), try input.number(of: 4))
        guard first < end else { throw .badRequest("A file in the shard has a term without chunks") }
        return SandboxXetFile.Term(xorb: hash, chunks: first..<end, unpackedLength: unpackedLength)
    }

    private static func xorb(_ input: inout SandboxBytes) throws(SandboxRefusal) -> Xorb? {
        let hash = try input.hash()
        _ = try input.number(of: 4)
        let count = try input.number(of: 4)
        let unpackedLength = try input.number(of: 4)
        _ = try input.number(of: 4)
        guard hash != bookend else { return nil }
        guard count <= input.left / entryLength else { throw .badRequest("The shard ends too early") }
        // Where each chunk is, and its hash.
        _ = try input.next(count * entryLength)
        return Xorb(hash: hash, chunkCount: count, unpackedLength: unpackedLength)
    }
}
