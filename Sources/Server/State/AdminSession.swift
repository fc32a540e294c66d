import EventIO
import HTTP

/// A session at the console: `1.PUBLIC-ID.GENERATION.EXPIRES.NONCE.CODE`, where the code is the HMAC over everything before it with a key that only
/// the state process has. There is no table of sessions: each is valid at every worker until its end, or until its key is revoked, expires or gets
/// another secret.
struct AdminSession: Equatable, Sendable {
    let publicID: Int64
    /// The first eight bytes of the SHA-256 of the key's secret: a session ends with the secret that it was begun with.
    let generation: UInt64
    /// Seconds since 1970.
    let expires: Int64
    let nonce: UInt64

    /// How long a session lasts, in seconds.
    static let lifetime: Int64 = 8 * 3600
    /// In bytes; with room.
    static let longest = 256

    static func generation(ofHash hash: [UInt8]) -> UInt64 {
        hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private var text: String {
        "1.\(publicID).\(String(generation, radix: 16)).\(expires).\(String(nonce, radix: 16))"
    }

    func token(_ key: Secret) -> String { "\(text).\(Self.code(text, key))" }

    /// Nil for a token that was not signed with this key.
    init?(_ token: String, _ key: Secret) {
        guard token.utf8.count <= Self.longest else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "1", let publicID = Int64(parts[1]),
            let generation = UInt64(parts[2], radix: 16), let expires = Int64(parts[3]),
            let nonce = UInt64(parts[4], radix: 16), let given = Base64URL.decode(parts[5].utf8)
        else { return nil }
        self.init(publicID: publicID, generation: generation, expires: expires, nonce: nonce)
        // The text is written again from its values: a number has other spellings.
        guard HMACSHA256.isSame(given, HMACSHA256.make(of: Self.purpose + text, with: key)) else { return nil }
    }

    init(publicID: Int64, generation: UInt64, expires: Int64, nonce: UInt64 = .random(in: 0...UInt64.max)) {
        (self.publicID, self.generation, self.expires, self.nonce) = (publicID, generation, expires, nonce)
    }

    private static let purpose = "hubgate: console sessions, 1\n"

    private static func code(_ text: String, _ key: Secret) -> String {
        Base64URL.encode(HMACSHA256.make(of: purpose + text, with: key))
    }
}
