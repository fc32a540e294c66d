/// A number of bytes that a setting gives: `64KiB`, not 65536.
struct ByteCount: Equatable, Comparable, Sendable {
    let bytes: Int

    /// From the largest to the smallest, as they are tried when a count is written.
    static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    static func bytes(_ count: Int) -> ByteCount { ByteCount(bytes: count) }
    static func kibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 10) }
    static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 20) }

    static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

extension ByteCount: CustomStringConvertible {
    var description: String {
        for unit in Self.units where bytes >= unit.bytes && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}
