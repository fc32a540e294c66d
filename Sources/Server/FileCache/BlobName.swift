/// The name of a file's content: its SHA-256.
struct BlobName: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Of 64 lower-case hexadecimal digits. Nil for anything else.
    init?(_ hex: some StringProtocol) {
        guard hex.utf8.count == 64, let words = HexWords.read(hex.utf8, count: 4) else { return nil }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// The Hub names a file in a store by a strong entity tag. Nil for another one, such as the 40 digits of a file in git.
    init?(etag: String) {
        guard etag.utf8.count == 66, etag.hasPrefix("\""), etag.hasSuffix("\"") else { return nil }
        self.init(etag.dropFirst().dropLast())
    }

    /// 64 lower-case hexadecimal digits.
    var hex: String { HexWords.text([words.0, words.1, words.2, words.3], digits: 64) }

    /// The number of the directory that holds it: the first two digits.
    var part: Int { Int(words.0 >> 56) }

    /// Whether content with this digest has this name.
    func isOf(_ digest: [UInt8]) -> Bool { digest.hexText == hex }

    static func == (left: BlobName, right: BlobName) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

/// The name of a file or a commit in git: its SHA-1.
struct GitHash: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt32)

    /// Of 40 lower-case hexadecimal digits. Nil for anything else.
    init?(_ hex: some StringProtocol) {
        guard hex.utf8.count == 40, let words = HexWords.read(hex.utf8, count: 3) else { return nil }
        self.words = (words[0], words[1], UInt32(words[2]))
    }

    /// 40 lower-case hexadecimal digits.
    var hex: String { HexWords.text([words.0, words.1, UInt64(words.2) << 32], digits: 40) }

    static func == (left: GitHash, right: GitHash) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
    }
}

/// Digests as integers: they need no memory of their own, however many there are.
private enum HexWords {
    /// Words of 16 digits each, the last one of the rest. Nil where a digit is none.
    static func read(_ digits: some Sequence<UInt8>, count: Int) -> [UInt64]? {
        var words = [UInt64](repeating: 0, count: count)
        var index = 0
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x57
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
            index += 1
        }
        return words
    }

    static func text(_ words: [UInt64], digits: Int) -> String {
        unsafe String(unsafeUninitializedCapacity: digits) { buffer in
            for index in 0..<digits {
                let value = UInt8(words[index / 16] >> UInt64(60 - index % 16 * 4) & 15)
                unsafe buffer[index] = value < 10 ? 0x30 + value : 0x57 + value
            }
            return digits
        }
    }
}
