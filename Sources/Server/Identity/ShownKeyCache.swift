import EventIO

/// Whose key an `Authorization` field showed a moment ago, so that its checksum and digest are made once and not for each request.
///
/// It holds no secret: of a field it has 128 bits by SipHash under a key that this process made by itself and does not show. An attacker with another
/// field would have to guess them, as they would a secret. Everything in it is dropped when any key changes; whether the key is
/// revoked or has expired is asked each time.
struct ShownKeyCache {
    /// What a field is known by.
    struct Mark: Equatable {
        fileprivate let one: UInt64
        fileprivate let other: UInt64

        /// Takes as long for any two.
        static func == (left: Mark, right: Mark) -> Bool {
            (left.one ^ right.one) | (left.other ^ right.other) == 0
        }
    }

    struct Entry {
        let mark: Mark
        let verified: KeyIndex.Verified
        /// It came as a browser could add it by itself.
        let isBasic: Bool
    }

    /// Fields of clients that take turns: two with the same place push each other out.
    private static let places = 1024
    /// Longer fields are read each time.
    private static let longest = 256

    private let salt: (UInt64, UInt64, UInt64)
    private var entries = [Entry?](repeating: nil, count: places)
    private var isEmpty = true

    init() {
        var generator = SystemRandomNumberGenerator()
        salt = (generator.next(), generator.next(), generator.next())
    }

    /// Nil for a field that is not kept.
    func mark(_ field: Span<UInt8>) -> Mark? {
        guard field.count <= Self.longest else { return nil }
        return unsafe field.withUnsafeBytes { bytes in
            unsafe Mark(one: hash(bytes, salt.1), other: hash(bytes, salt.2))
        }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer, _ salt: UInt64) -> UInt64 {
        // Seeded by the standard library, too; with our own, whatever the environment says of that.
        var hasher = Hasher()
        hasher.combine(self.salt.0)
        hasher.combine(salt)
        unsafe hasher.combine(bytes: bytes)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    func find(_ mark: Mark, now: Int64) -> Entry? {
        guard let entry = entries[Self.place(mark)], entry.mark == mark, entry.verified.until > now else { return nil }
        return entry
    }

    mutating func keep(_ entry: Entry) {
        entries[Self.place(entry.mark)] = entry
        isEmpty = false
    }

    mutating func drop() {
        guard !isEmpty else { return }
        for place in entries.indices { entries[place] = nil }
        isEmpty = true
    }

    private static func place(_ mark: Mark) -> Int { Int(truncatingIfNeeded: mark.one) & (places - 1) }
}
