import HTTP

/// The rules by which a workload's token becomes a gateway key. The meaning of a role, and of the keys in a file, is not known here.
struct LoginRules: Equatable, Sendable {
    /// In the order of the file: the first rule that matches counts.
    var rules: [LoginRule] = []

    static let most = 100

    /// The rules of one issuer.
    func of(issuer: String) -> [LoginRule] { rules.filter { $0.issuer == issuer } }
}

/// Which subjects get a key, which key, and for how long.
struct LoginRule: Equatable, Sendable {
    let name: String
    /// Equal to `iss`, byte by byte.
    var issuer = ""
    /// One of them has to be in `aud`. Without any in the file: the gateway's `public_url`.
    var audiences: [String] = []
    /// All of them have to match.
    var claims: [ClaimCondition] = []
    var role = ""
    /// The name of a file of `credentials_dir`; nil: the gateway's own token.
    var credential: String?
    /// How long a key lives, in seconds.
    var lifetime: Int64 = 3600
    /// How many keys of this rule may live at once.
    var mostKeys = 1000
    /// How many of them one subject may have; nil: the rule does not say.
    var ownKeysOfSubject: Int?
    var keySource = KeySource.discovery

    static let longestText = 512
    static let mostConditions = 20
    static let longestLifetime: Int64 = 86_400
    static let mostKeysOfAny = 100_000

    /// How many keys one subject (`sub`) may have at once, so that none takes those of others: a tenth, but at least ten, unless the rule gives another
    /// number or is for one subject alone.
    var mostKeysOfSubject: Int {
        if let ownKeysOfSubject { return min(ownKeysOfSubject, mostKeys) }
        let isForOne = claims.contains { $0.name == "sub" && !$0.isPattern }
        return isForOne ? mostKeys : min(mostKeys, max(10, mostKeys / 10))
    }
}

/// A condition on one claim: `name=value` byte by byte, or `name~pattern`, in which `*` matches any characters.
struct ClaimCondition: Equatable, Sendable {
    let name: String
    let value: String
    let isPattern: Bool
}

/// Where the public keys of an issuer are.
enum KeySource: Hashable, Sendable {
    /// In the document that the issuer's own address leads to (OpenID Connect Discovery 1.0 section 4).
    case discovery
    /// At this address.
    case url(String)
    /// In this file, with its content once settings are read.
    case file(String, [UInt8])
}

extension ClaimCondition {
    /// Nil for a text that is no condition.
    init?(_ text: String) {
        guard let mark = text.utf8.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "~") }) else {
            return nil
        }
        name = String(text[..<mark])
        value = String(text[text.utf8.index(after: mark)...])
        isPattern = text.utf8[mark] == UInt8(ascii: "~")
        guard !name.isEmpty, !value.isEmpty else { return nil }
    }

    var text: String { "\(name)\(isPattern ? "~" : "=")\(value)" }

    /// Whether every text matches.
    var isVoid: Bool { isPattern && value.utf8.allSatisfy { $0 == UInt8(ascii: "*") } }
}
