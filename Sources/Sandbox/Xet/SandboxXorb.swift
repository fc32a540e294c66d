import HTTP
import Hub

/// A series of chunks, each with a header that says how it is packed
/// (huggingface.co/docs/xet/xorb).
package struct SandboxXorb: Sendable {
    package struct Chunk: Sendable, Equatable {
        /// Of its header.
        package let start: Int
        /// With its header.
        package let length: Int
        package let packing: Packing
        package let unpackedLength: Int
    }

    package enum Packing: Int, Sendable {
        case plain = 0
        case lz4 = 1
        /// The first bytes of each four, then the second ones, and so on; then LZ4.
        case groupedLZ4 = 2
    }

    package let bytes: [UInt8]
    package let chunks: [Chunk]

    package static let mostChunks = 8192
    package static let longestChunk = 128 << 10
    private static let headerLength = 8
    /// As seen from hf_xet 1.8.0: 64 MiB and a header for each chunk, though the specification says 64 MiB in all.
    package static let longest = (64 << 20) + mostChunks * headerLength
    /// Instead of a header, the beginning of a footer, which the Hub does not need.
    private static let footerMark = Array("XETBLOB".utf8)

    /// Throws 400 for bytes that are no series of chunks; the chunks are not unpacked yet.
    package init(_ bytes: [UInt8]) throws(SandboxRefusal) {
        guard bytes.count <= Self.longest else { throw .badRequest("A xorb has at most 64 MiB of chunks") }
        var chunks: [Chunk] = []
        var input = SandboxBytes(bytes[...], of: "xorb")
        while input.left > 0, !bytes[input.position...].starts(with: Self.footerMark) {
            chunks.append(try Self.chunk(&input))
            guard chunks.count <= Self.mostChunks else { throw .badRequest("A xorb has at most 8192 chunks") }
        }
        guard !chunks.isEmpty else { throw .badRequest("The xorb has no chunk") }
        self.chunks = chunks
        self.bytes = input.left == 0 ? bytes : Array(bytes[..<input.position])
    }

    private static func chunk(_ input: inout SandboxBytes) throws(SandboxRefusal) -> Chunk {
        let start = input.position
        let version = try input.number(of: 1)
        let length = try input.number(of: 3)
        let packing = try Packing(rawValue: input.number(of: 1))
        let unpackedLength = try input.number(of: 3)
        guard version == 0, let packing, (1...longestChunk).contains(unpackedLength),
            packing == .plain ? length == unpackedLength : (1...2 * longestChunk).contains(length)
        else { throw .badRequest("A chunk's header in the xorb is malformed") }
        _ = try input.next(length)
        return Chunk(
            start: start, length: headerLength + length, packing: packing, unpackedLength: unpackedLength)
    }

    /// For content that did not come by Xet: in plain chunks of one length.
    package init(wrapping content: [UInt8]) {
        var bytes: [UInt8] = []
        var chunks: [Chunk] = []
        for start in stride(from: 0, to: content.count, by: Self.wrappedLength) {
            let piece = content[start..<min(start + Self.wrappedLength, content.count)]
            let length = (0..<3).map { UInt8(truncatingIfNeeded: piece.count >> (8 * $0)) }
            chunks.append(
                Chunk(
                    start: bytes.count, length: Self.headerLength + piece.count, packing: .plain,
                    unpackedLength: piece.count))
            bytes += [0] + length + [UInt8(Packing.plain.rawValue)] + length
            bytes += piece
        }
        self.bytes = bytes
        self.chunks = chunks
    }

    /// The usual length of a chunk.
    private static let wrappedLength = 64 << 10

    /// The range of bytes of `chunks`, which must not be empty.
    package func bytes(of range: Range<Int>) -> Range<Int> {
        let last = chunks[range.upperBound - 1]
        return chunks[range.lowerBound].start..<last.start + last.length
    }

    package func unpackedLength(of range: Range<Int>) -> Int { chunks[range].reduce(0) { $0 + $1.unpackedLength } }

    /// Throws 400 for a chunk that is not packed as its header says.
    package func unpack(_ chunk: Chunk) throws(SandboxRefusal) -> [UInt8] {
        let packed = bytes[chunk.start + Self.headerLength..<chunk.start + chunk.length]
        if chunk.packing == .plain { return Array(packed) }
        let content = try SandboxLZ4.unpack(packed, atMost: chunk.unpackedLength)
        guard content.count == chunk.unpackedLength else {
            throw .badRequest("A chunk in the xorb is not as long as its header says")
        }
        return chunk.packing == .lz4 ? content : Self.ungroup(content)
    }

    /// Puts bytes that were grouped by their index modulo four back in order. The first groups have the bytes
    /// of the last, incomplete four.
    package static func ungroup(_ grouped: [UInt8]) -> [UInt8] {
        let (fours, rest) = grouped.count.quotientAndRemainder(dividingBy: 4)
        var content = [UInt8](repeating: 0, count: grouped.count)
        var source = 0
        for group in 0..<4 {
            for four in 0..<fours + (group < rest ? 1 : 0) {
                content[4 * four + group] = grouped[source]
                source += 1
            }
        }
        return content
    }
}

/// Reads a binary format from front to back. Throws 400 where it ends early.
package struct SandboxBytes {
    private let bytes: ArraySlice<UInt8>
    package private(set) var position: Int
    /// What is being read, for the refusal.
    private let name: String

    package init(_ bytes: ArraySlice<UInt8>, of name: String) {
        self.bytes = bytes
        self.name = name
        position = bytes.startIndex
    }

    package var left: Int { bytes.endIndex - position }

    package mutating func next(_ count: Int) throws(SandboxRefusal) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left else { throw .badRequest("The \(name) ends too early") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// An unsigned number of up to four bytes, the lowest first.
    package mutating func number(of count: Int) throws(SandboxRefusal) -> Int {
        guard count <= left else { throw .badRequest("The \(name) ends too early") }
        var number = 0
        for index in 0..<count { number |= Int(bytes[position + index]) << (8 * index) }
        position += count
        return number
    }

    /// 32 bytes in Xet's text form: four numbers of 64 bits, each with its lowest byte first.
    package mutating func hash() throws(SandboxRefusal) -> String {
        let raw = try Array(next(Self.hashLength))
        return Digest.hex(stride(from: 0, to: raw.count, by: 8).flatMap { raw[$0..<$0 + 8].reversed() })
    }

    private static let hashLength = 32
}
