import EventIO
import HTTP

/// A key that a client shows: `hg_`, a public id, `_`, a secret, a checksum, in base 62. For example
/// `hg_0aZ4kQ9xT1_…`. Always of the same length, so that a scanner for secrets finds it and nothing else.
///
/// The checksum is the CRC-32 of everything before it: a mistyped or cut key can be told from an unknown one without a look-up. It
/// protects no secret.
enum GatewayKey {
    static let prefix = KeyRecord.prefix
    /// 10 characters: 59 bits, which are random so that ids tell nothing of how many keys there are.
    static let idLength = KeyRecord.idLength
    /// 43 characters: 256 bits.
    static let secretLength = 43
    static let checksumLength = 6
    /// Of the whole key, in bytes.
    static let length = prefix.utf8.count + idLength + 1 + secretLength + checksumLength
    /// For scanners of secrets (PCRE, RE2, Go).
    static let pattern = "hg_[0-9A-Za-z]{\(idLength)}_[0-9A-Za-z]{\(secretLength + checksumLength)}"

    /// Why a text is no key.
    enum Flaw: Error, Equatable {
        /// It does not begin as one: a Hub token, or something else.
        case foreign
        /// It begins as one, and a character is wrong, missing or too many.
        case mistyped
    }

    /// The parts of a key: the id that it claims, and the proof of it.
    struct Parsed: Equatable {
        let publicID: Int64
        /// SHA-256 of the secret's characters.
        let secretHash: SecretHash
    }

    /// Needs no table of keys.
    static func parse(_ text: Span<UInt8>) throws(Flaw) -> Parsed {
        guard text.count >= 3, text[0] == UInt8(ascii: "h"), text[1] == UInt8(ascii: "g"), text[2] == UInt8(ascii: "_")
        else {
            throw .foreign
        }
        guard text.count == length, text[3 + idLength] == UInt8(ascii: "_") else { throw .mistyped }
        let checked = length - checksumLength
        guard let sum = Base62.number(text.extracting(checked..<length)),
            sum == UInt64(CRC32.of(text.extracting(0..<checked))),
            let id = Base62.number(text.extracting(3..<3 + idLength)),
            Base62.isWritten(text.extracting(4 + idLength..<checked))
        else { throw .mistyped }
        return Parsed(publicID: Int64(id), secretHash: SecretHash(of: text.extracting(4 + idLength..<checked)))
    }

    /// The secret's characters of a key that `parse` took.
    static func secret(of text: [UInt8]) -> [UInt8] { Array(text[(4 + idLength)..<(length - checksumLength)]) }

    /// A new secret for the key with that public id, from the kernel's generator. The text is shown once; the state gets the hash.
    static func make(publicID: Int64) -> (text: String, secretHash: SecretHash) {
        var bytes = Array(prefix.utf8) + Base62.text(UInt64(publicID), length: idLength) + [UInt8(ascii: "_")]
        bytes += Base62.random(secretLength)
        bytes += Base62.text(UInt64(CRC32.of(bytes.span)), length: checksumLength)
        let hash = SecretHash(of: bytes.span.extracting(4 + idLength..<length - checksumLength))
        return (String(decoding: bytes, as: UTF8.self), hash)
    }

    static func makePublicID() -> Int64 {
        Int64(Base62.number(Base62.random(idLength).span) ?? 0)
    }

    /// As the log and tables show it: `hg_0aZ4kQ9xT1`.
    static func shown(publicID: Int64) -> String {
        KeyRecord.shownID(publicID)
    }
}

/// SHA-256 of a secret with 256 random bits: they cannot all be tried, so it needs neither salt nor stretching.
struct SecretHash: Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    init(of secret: Span<UInt8>) {
        words = SecretDigest.sha256(secret)
    }

    /// Enough of it to tell two secrets of a key apart.
    var mark: UInt64 { words.0 }

    /// The hash of no secret.
    static let none = SecretHash(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// 32 bytes; nil for any other number.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        words = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
    }

    var bytes: [UInt8] { unsafe withUnsafeBytes(of: words) { unsafe Array($0) } }
}

extension SecretHash: Equatable {
    /// Takes the same time wherever the first difference is.
    static func == (left: SecretHash, right: SecretHash) -> Bool {
        (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
            | (left.words.3 ^ right.words.3) == 0
    }
}
