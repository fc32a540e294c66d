@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The sandbox's LZ4")
struct SandboxLZ4Tests {
    /// A frame around blocks that are given with their lengths. The flags say that blocks stand alone.
    private static func frame(_ blocks: [UInt8], flags: UInt8 = 0x60, size: UInt8 = 0x40, end: [UInt8] = []) -> [UInt8]
    {
        [0x04, 0x22, 0x4D, 0x18, flags, size, 0x82] + blocks + [0, 0, 0, 0] + end
    }

    private static func packed(_ block: [UInt8]) -> [UInt8] { XetSamples.littleEndian(block.count, 4) + block }

    private static func plain(_ block: [UInt8]) -> [UInt8] {
        XetSamples.littleEndian(block.count | 0x8000_0000, 4) + block
    }

    private static func unpack(_ frame: [UInt8], atMost most: Int = 1 << 17) throws(SandboxRefusal) -> String {
        try String(decoding: SandboxLZ4.unpack(frame[...], atMost: most), as: UTF8.self)
    }

    @Test("What Xet's client packed is unpacked")
    func real() throws {
        let frame = XetSamples.textXorb[8...]
        #expect(try SandboxLZ4.unpack(frame, atMost: 480) == XetSamples.text)
        #expect(throws: SandboxRefusal.self) { try SandboxLZ4.unpack(frame, atMost: 479) }
    }

    @Test("Blocks that are plain, and matches that overlap themselves")
    func blocks() throws {
        #expect(try Self.unpack(Self.frame([])) == "")
        #expect(try Self.unpack(Self.frame(Self.plain(Array("abc".utf8)))) == "abc")
        #expect(try Self.unpack(Self.frame(Self.packed([0x30, 0x61, 0x62, 0x63]))) == "abc")
        // Two literals, then 4 + 3 bytes from two back, then none.
        #expect(try Self.unpack(Self.frame(Self.packed([0x23, 0x61, 0x62, 2, 0, 0x00]))) == "ababababa")
        #expect(try Self.unpack(Self.frame(Self.packed([0x1F, 0x61, 1, 0, 255, 0, 0x10, 0x62]))).utf8.count == 276)
        let long = [0xF0, 255, 3] + [UInt8](repeating: 0x78, count: 273)
        #expect(try Self.unpack(Self.frame(Self.packed(long))) == String(repeating: "x", count: 273))
    }

    @Test("A match reaches into the block before only where blocks hang together")
    func linked() throws {
        let blocks = Self.plain(Array("abcd".utf8)) + Self.packed([0x00, 4, 0, 0x00])
        #expect(try Self.unpack(Self.frame(blocks, flags: 0x40)) == "abcdabcd")
        #expect(throws: SandboxRefusal.self) { try Self.unpack(Self.frame(blocks)) }
    }

    @Test("What a frame may say besides is passed over")
    func options() throws {
        let size: [UInt8] = [3, 0, 0, 0, 0, 0, 0, 0]
        let head: [UInt8] = [0x04, 0x22, 0x4D, 0x18, 0x7C, 0x40] + size + [0]
        let checked = Self.plain(Array("abc".utf8)) + [1, 2, 3, 4]
        #expect(try Self.unpack(head + checked + [0, 0, 0, 0] + [5, 6, 7, 8]) == "abc")
    }

    @Test(
        "What is malformed is refused",
        arguments: [
            [], [0x04, 0x22, 0x4D], [0x05, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0],
            // Another version, a dictionary, bytes behind the end.
            frame([], flags: 0xA0), frame([], flags: 0x61), frame([], end: [0]),
            // A match from nowhere, from zero bytes back, without a distance; literals that are not there.
            frame(packed([0x10, 0x61, 2, 0, 0x00])), frame(packed([0x10, 0x61, 0, 0, 0x00])),
            frame(packed([0x10, 0x61, 1])), frame(packed([0x20, 0x61])), frame(packed([0xF0, 255])),
            // A match is not the last.
            frame(packed([0x10, 0x61, 1, 0])), frame(packed([])),
            // A match that is far too long.
            frame(packed([0x1F, 0x61, 1, 0] + [UInt8](repeating: 255, count: 1000) + [0, 0x00])),
        ] as [[UInt8]])
    func malformed(frame: [UInt8]) {
        #expect(throws: SandboxRefusal.self) { try Self.unpack(frame) }
    }

    @Test("A block that is longer than the frame says is refused")
    func longBlock() {
        let frame = Self.frame(Self.plain([UInt8](repeating: 0, count: 65537)))
        #expect(throws: SandboxRefusal.self) { try Self.unpack(frame) }
    }

    @Test("No end and no changed byte of a frame stops the program or unpacks to too much")
    func damaged() {
        let frame = Array(XetSamples.numbersXorb[8...])
        for count in 0..<frame.count {
            #expect(throws: SandboxRefusal.self) { try SandboxLZ4.unpack(frame[..<count], atMost: 259) }
        }
        for index in frame.indices {
            for bit in 0..<8 {
                var damaged = frame
                damaged[index] ^= 1 << bit
                let content = try? SandboxLZ4.unpack(damaged[...], atMost: 259)
                #expect((content?.count ?? 0) <= 259)
            }
        }
    }
}
