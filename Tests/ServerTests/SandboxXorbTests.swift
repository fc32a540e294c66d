@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The sandbox's xorbs")
struct SandboxXorbTests {
    private static func content(of xorb: SandboxXorb) throws -> [UInt8] {
        try xorb.chunks.flatMap { try xorb.unpack($0) }
    }

    @Test("What Xet's client packed is unpacked")
    func real() throws {
        let text = try SandboxXorb(XetSamples.textXorb)
        #expect(text.chunks.map(\.packing) == [.lz4] && text.unpackedLength(of: 0..<1) == 480)
        #expect(try Self.content(of: text) == XetSamples.text)
        let numbers = try SandboxXorb(XetSamples.numbersXorb)
        #expect(numbers.chunks.map(\.packing) == [.groupedLZ4])
        #expect(try Self.content(of: numbers) == XetSamples.numbers)
    }

    @Test("Chunks stand behind each other, each packed in its own way; a footer is cut off")
    func several() throws {
        let bytes = XetSamples.chunk([1, 2, 3]) + XetSamples.textXorb + XetSamples.numbersXorb
        let xorb = try SandboxXorb(bytes + Array("XETBLOB".utf8) + [1, 2, 3])
        #expect(xorb.bytes == bytes)
        #expect(try Self.content(of: xorb) == [1, 2, 3] + XetSamples.text + XetSamples.numbers)
        #expect(xorb.bytes(of: 0..<1) == 0..<11)
        #expect(xorb.bytes(of: 1..<3) == 11..<bytes.count)
        #expect(xorb.unpackedLength(of: 0..<2) == 483)
    }

    @Test("Grouped bytes find their places, whatever their number", arguments: 0..<20)
    func ungroup(count: Int) {
        let content = (0..<count).map { UInt8($0) }
        let grouped = (0..<4).flatMap { group in content.indices.filter { $0 % 4 == group }.map { content[$0] } }
        #expect(SandboxXorb.ungroup(grouped) == content)
    }

    @Test("A file that came in another way is wrapped, and reads as any xorb", arguments: [1, 65536, 65537, 200_000])
    func wrapped(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let wrapped = SandboxXorb(wrapping: content)
        let read = try SandboxXorb(wrapped.bytes)
        #expect(read.chunks == wrapped.chunks && read.chunks.count == (count + 65535) / 65536)
        #expect(try Self.content(of: read) == content)
    }

    @Test(
        "What is malformed is refused",
        arguments: [
            [], [0], XetSamples.chunk([1], version: 1), XetSamples.chunk([1], packing: 3),
            XetSamples.chunk([]), XetSamples.chunk([1], unpackedLength: 2),
            XetSamples.chunk([1, 2, 3]).dropLast(), XetSamples.chunk([1, 2]) + [0, 1],
            XetSamples.chunk([1], packing: 1, unpackedLength: (128 << 10) + 1),
            Array("XETBLOB".utf8) + [1],
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        #expect(throws: SandboxRefusal.self) { try SandboxXorb(Array(bytes)) }
    }

    @Test("A xorb has an end: in bytes and in chunks, and a chunk in bytes")
    func bounded() throws {
        let long = XetSamples.chunk([UInt8](repeating: 0, count: (128 << 10) + 1))
        #expect(throws: SandboxRefusal.self) { try SandboxXorb(long) }
        #expect(throws: SandboxRefusal.self) {
            try SandboxXorb([UInt8](repeating: 0, count: SandboxXorb.longest + 1))
        }
        let chunk = XetSamples.chunk([1])
        let many = Array(repeating: chunk, count: SandboxXorb.mostChunks).flatMap(\.self)
        #expect(try SandboxXorb(many).chunks.count == SandboxXorb.mostChunks)
        #expect(throws: SandboxRefusal.self) { try SandboxXorb(many + chunk) }
    }

    @Test("A chunk that does not unpack to what its header says is refused")
    func lying() throws {
        for length in [479, 481] {
            let frame = Array(XetSamples.textXorb[8...])
            let xorb = try SandboxXorb(XetSamples.chunk(frame, packing: 1, unpackedLength: length))
            #expect(throws: SandboxRefusal.self) { try xorb.unpack(xorb.chunks[0]) }
        }
    }
}
