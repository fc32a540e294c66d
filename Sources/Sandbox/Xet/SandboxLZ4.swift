import HTTP
import Hub

/// Unpacks an LZ4 frame (lz4_Frame_format.md 1.6, lz4_Block_format.md), in the form that Xet's clients write: without a
/// dictionary. Its checksums are not checked, since the caller checks the SHA-256 of the whole file.
package struct SandboxLZ4 {
    private let most: Int
    private var output: [UInt8] = []

    private static let magic = 0x184D_2204
    private static let shortestMatch = 4

    private init(atMost most: Int) {
        self.most = most
        output.reserveCapacity(most)
    }

    /// Throws 400 for a malformed frame, or one that unpacks to more than `most` bytes.
    package static func unpack(_ frame: ArraySlice<UInt8>, atMost most: Int) throws(SandboxRefusal) -> [UInt8] {
        var lz4 = SandboxLZ4(atMost: most)
        try lz4.read(frame)
        return lz4.output
    }

    private mutating func read(_ frame: ArraySlice<UInt8>) throws(SandboxRefusal) {
        var input = SandboxBytes(frame, of: "LZ4 frame")
        guard try input.number(of: 4) == Self.magic else { throw Self.malformed }
        let flags = try input.number(of: 1)
        let version = flags >> 6
        let (isIndependent, hasBlockChecksum) = (flags & 0x20 != 0, flags & 0x10 != 0)
        let (hasSize, hasChecksum, hasDictionary) = (flags & 0x08 != 0, flags & 0x04 != 0, flags & 0x01 != 0)
        guard version == 1, !hasDictionary else { throw Self.malformed }
        let largestBlock = 1 << (8 + 2 * (try input.number(of: 1) >> 4 & 0x07))
        _ = try input.next(hasSize ? 8 : 0)
        _ = try input.number(of: 1)
        while true {
            let word = try input.number(of: 4)
            guard word != 0 else { break }
            let (isPlain, length) = (word & 0x8000_0000 != 0, word & 0x7FFF_FFFF)
            guard length <= largestBlock else { throw Self.malformed }
            let block = try input.next(length)
            if isPlain {
                try append(block)
            } else {
                try readBlock(block, from: isIndependent ? output.count : 0)
            }
            _ = try input.next(hasBlockChecksum ? 4 : 0)
        }
        _ = try input.next(hasChecksum ? 4 : 0)
        guard input.left == 0 else { throw Self.malformed }
    }

    /// A match may reach back to `window` in the output.
    private mutating func readBlock(_ block: ArraySlice<UInt8>, from window: Int) throws(SandboxRefusal) {
        var input = SandboxBytes(block, of: "LZ4 block")
        while true {
            let token = try input.number(of: 1)
            try append(input.next(length(token >> 4, &input)))
            // The last sequence has no match.
            guard input.left > 0 else { return }
            let distance = try input.number(of: 2)
            let count = try length(token & 0x0F, &input) + Self.shortestMatch
            guard distance > 0, distance <= output.count - window, count <= most - output.count else {
                throw Self.malformed
            }
            copyBack(distance, count)
        }
    }

    /// Four bits; 15 means that more bytes follow and are added; the last of them is not 255.
    private func length(_ nibble: Int, _ input: inout SandboxBytes) throws(SandboxRefusal) -> Int {
        guard nibble == 15 else { return nibble }
        var sum = nibble
        while true {
            let byte = try input.number(of: 1)
            sum += byte
            guard byte == 255 else { return sum }
        }
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) throws(SandboxRefusal) {
        guard bytes.count <= most - output.count else { throw Self.malformed }
        output.append(contentsOf: bytes)
    }

    /// Appends `count` bytes, each a copy of the one `distance` before it: there may be fewer of them yet.
    private mutating func copyBack(_ distance: Int, _ count: Int) {
        let (start, end) = (output.count - distance, output.count + count)
        while output.count < end {
            let piece = Array(output[start..<min(output.count, start + end - output.count)])
            output.append(contentsOf: piece)
        }
    }

    private static var malformed: SandboxRefusal { .badRequest("The LZ4 frame is malformed") }
}
