@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The sandbox's shards")
struct SandboxShardTests {
    @Test("What Xet's client sent says of what its file is made")
    func real() throws {
        let shard = try SandboxShard(XetSamples.textShard)
        #expect(
            shard.files == [
                SandboxXetFile(
                    hash: XetSamples.textFileHash, sha256: XetSamples.textSHA256,
                    terms: [.init(xorb: XetSamples.textXorbHash, chunks: 0..<1, unpackedLength: 480)])
            ])
        #expect(shard.xorbs == [.init(hash: XetSamples.textXorbHash, chunkCount: 1, unpackedLength: 480)])
        #expect(Digest.openSSL.sha256Hex(XetSamples.text) == XetSamples.textSHA256)
    }

    @Test("A footer is left alone, and a shard may be cut nowhere")
    func cut() throws {
        let bytes = XetSamples.textShard
        #expect(try SandboxShard(bytes + [1, 2, 3]).files.count == 1)
        for count in bytes.indices {
            #expect(throws: SandboxRefusal.self) { try SandboxShard(Array(bytes[..<count])) }
        }
    }

    @Test(
        "What is malformed is refused",
        arguments: [
            // The tag; the version, and its high half.
            (0, [0]), (32, [3]), (36, [1]),
            // More terms than there are bytes.
            (84, [255, 255, 255, 255]), (84, [0, 0, 0, 128]),
            // No SHA-256.
            (80, [0, 0, 0, 128]),
            // No chunk, and an end before the beginning.
            (140, [0, 0, 0, 0]), (136, [2]),
            // More chunks of a xorb than there are bytes.
            (324, [255, 255, 255, 255]),
        ] as [(Int, [UInt8])])
    func malformed(position: Int, replacement: [UInt8]) {
        var bytes = XetSamples.textShard
        bytes.replaceSubrange(position..<position + replacement.count, with: replacement)
        #expect(throws: SandboxRefusal.self) { try SandboxShard(bytes) }
    }

    @Test("No changed bit stops the program")
    func damaged() {
        for index in XetSamples.textShard.indices {
            for bit in 0..<8 {
                var bytes = XetSamples.textShard
                bytes[index] ^= 1 << bit
                let shard = try? SandboxShard(bytes)
                #expect((shard?.files.count ?? 0) <= 1)
            }
        }
    }
}
