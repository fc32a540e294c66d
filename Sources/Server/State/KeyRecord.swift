/// A gateway key as the state keeps it. Rules are lines of text here; their meaning is not known.
struct KeyRecord: Sendable, Equatable {
    /// The number of the row; never given to another key.
    var number: Int64 = 0
    /// Unique among live keys.
    var name: String
    /// The public part of the key, as a number (`GatewayKey`).
    var publicID: Int64
    /// SHA-256 of the secret part.
    var secretHash: [UInt8]
    /// The hash of the secret before the last rotation, and until when that secret is valid.
    var previous: Previous?
    var grant: KeyGrant
    /// The key's purpose, for people.
    var note = ""
    /// Seconds since 1970, as all times here.
    var created: Int64
    /// Nil: never.
    var expires: Int64?
    /// Nil: it is not revoked.
    var revoked: Int64?
    /// The number of its last change, among the changes of all keys.
    var change: Int64 = 0

    struct Previous: Sendable, Equatable {
        var secretHash: [UInt8]
        var until: Int64
    }
}

/// What a key may do, and with which credential. Many keys have the same grant.
struct KeyGrant: Sendable, Hashable {
    /// A preset or a role of the settings; nil for none.
    var role: String?
    /// Rules, one each.
    var allow: [String] = []
    var deny: [String] = []
    /// The name of a file of `credentials_dir`; nil: the gateway's own token.
    var credential: String?
    /// For example `600/m`; nil for no limit.
    var rate: String?
    /// `enforce` or `shadow`; nil: by the setting `policy`.
    var policy: String?
    /// `KeyLimits`, as text; nil: those of its role.
    var limits: String?

    /// Whether it has a rule or a role that allows something.
    var allowsAny: Bool { role != nil || !allow.isEmpty }
    /// Whether it has limits of its own.
    var hasLimits: Bool { rate != nil || limits != nil }
}

/// Rules in the form of a column: none contains a line feed.
enum RuleLines {
    static func text(_ rules: [String]) -> String { rules.joined(separator: "\n") }
    static func rules(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
}

/// How much a key was used.
struct KeyUse: Sendable, Equatable {
    var lastUsed: Int64
    var uses: Int64
}

extension KeyRecord {
    /// All keys begin with it, so that scanners for secrets find them.
    static let prefix = "hg_"
    /// The length of the public part, in characters.
    static let idLength = 10

    /// In the form of the log, tables and the audit: `hg_0aZ4kQ9xT1`.
    static func shownID(_ publicID: Int64) -> String {
        prefix + String(decoding: Base62.text(UInt64(truncatingIfNeeded: publicID), length: idLength), as: UTF8.self)
    }
}
