import Hub

/// Reads a binary format from front to back. What it does not have it refuses with 400.
struct SandboxBytes {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int
    /// What is read, for the refusal.
    private let name: String

    init(_ bytes: ArraySlice<UInt8>, of name: String) {
        self.bytes = bytes
        self.name = name
        position = bytes.startIndex
    }

    var left: Int { bytes.endIndex - position }

    mutating func next(_ count: Int) throws(SandboxRefusal) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left else { throw .badRequest("The \(name) ends too early") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// An unsigned number of up to four bytes, the lowest first.
    mutating func number(of count: Int) throws(SandboxRefusal) -> Int {
        guard count <= left else { throw .badRequest("The \(name) ends too early") }
        var number = 0
        for index in 0..<count { number |= Int(bytes[position + index]) << (8 * index) }
        position += count
        return number
    }

    /// 32 bytes as Xet writes them in text: four numbers of 64 bits, each of which has its lowest byte first.
    mutating func hash() throws(SandboxRefusal) -> String {
        let raw = try Array(next(Self.hashLength))
        return Digest.hex(stride(from: 0, to: raw.count, by: 8).flatMap { raw[$0..<$0 + 8].reversed() })
    }

    private static let hashLength = 32
}
