/// A gateway key as the state keeps it. What its rules mean is not the state's business: they are lines of text here.
struct KeyRecord: Sendable, Equatable {
    /// Of the row; never given to another key.
    var number: Int64 = 0
    /// Of one live key at a time.
    var name: String
    /// The public part of the key, as a number (`GatewayKey`).
    var publicID: Int64
    /// SHA-256 of the secret part.
    var secretHash: [UInt8]
    /// That of the secret before the last rotation, and until when it is good.
    var previous: Previous?
    var grant: KeyGrant
    /// For people: what the key is for.
    var note = ""
    /// Seconds since 1970, as all times here.
    var created: Int64
    /// Nil: never.
    var expires: Int64?
    /// Nil: it is not.
    var revoked: Int64?
    /// The number of its last change, among those of all keys.
    var change: Int64 = 0

    struct Previous: Sendable, Equatable {
        var secretHash: [UInt8]
        var until: Int64
    }
}

/// What a key may do, and as whom. Many keys have the same.
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
    /// `enforce` or `shadow`; nil: what the setting `policy` says.
    var policy: String?
    /// `KeyLimits`, as text; nil: those of its role.
    var limits: String?

    /// Whether it has anything that allows.
    var allowsAny: Bool { role != nil || !allow.isEmpty }
    /// Of its own.
    var hasLimits: Bool { rate != nil || limits != nil }
}

/// Rules as a column has them: none has a line feed.
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
    /// Each key begins with it, so that scanners of secrets find keys.
    static let prefix = "hg_"
    /// Of the public part, in characters.
    static let idLength = 10

    /// As the log, tables and the audit show it: `hg_0aZ4kQ9xT1`.
    static func shownID(_ publicID: Int64) -> String {
        prefix + String(decoding: Base62.text(UInt64(truncatingIfNeeded: publicID), length: idLength), as: UTF8.self)
    }
}
