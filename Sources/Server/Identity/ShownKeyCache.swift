import EventIO

/// The keys of recent `Authorization` fields, so that checksum and digest are not computed for each request.
///
/// It holds no secret: of a field it has 128 bits by SipHash under a key that this process has made and does not show. An attacker with another
/// field would have to guess these bits, as they would a secret. All of it is dropped when any key changes; whether the key is
/// revoked or has expired is checked each time.
struct ShownKeyCache {
    /// Identifies a field.
    struct Mark: Equatable {
        fileprivate let one: UInt64
        fileprivate let other: UInt64

        /// Takes the same time for any two.
        static func == (left: Mark, right: Mark) -> Bool {
            (left.one ^ right.one) | (left.other ^ right.other) == 0
        }
    }

    struct Entry {
        let mark: Mark
        let verified: KeyIndex.Verified
        /// It came in a form that a browser could add by itself.
        let isBasic: Bool
    }

    /// For fields of clients that take turns: two fields with the same place replace each other.
    private static let places = 1024
    /// Longer fields are parsed each time.
    private static let longest = 256

    private let salt: (UInt64, UInt64, UInt64)
    private var entries = [Entry?](repeating: nil, count: places)
    private var isEmpty = true

    init() {
        var generator = SystemRandomNumberGenerator()
        salt = (generator.next(), generator.next(), generator.next())
    }

    /// Nil for a field that is not cached.
    func mark(_ field: Span<UInt8>) -> Mark? {
        guard field.count <= Self.longest else { return nil }
        return unsafe field.withUnsafeBytes { bytes in
            unsafe Mark(one: hash(bytes, salt.1), other: hash(bytes, salt.2))
        }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer, _ salt: UInt64) -> UInt64 {
        // The standard library seeds it too; our own seed holds even where the environment turns that off.
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
