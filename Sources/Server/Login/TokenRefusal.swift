import Hub

/// Why a workload's token gets no key.
struct TokenRefusal: Error, Equatable {
    /// What the client is told: no more than the holder of such a token may know.
    enum Kind: Equatable {
        /// This gateway cannot read it.
        case malformed
        /// It has no valid signature of a trusted issuer.
        case untrusted
        /// It has expired, or is not valid yet.
        case untimely
        case audience
        /// It is genuine, and no rule covers its claims.
        case claims
    }

    let kind: Kind
    /// For the operator's log: what exactly is wrong. May quote the token's claims, never its signature.
    let reason: String

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    static func malformed(_ reason: String) -> TokenRefusal { TokenRefusal(.malformed, reason) }
    static func untrusted(_ reason: String) -> TokenRefusal { TokenRefusal(.untrusted, reason) }

    /// A sentence for the client.
    var description: String {
        switch kind {
        case .malformed: "The token is no signed JSON Web Token that this gateway reads."
        case .untrusted: "This gateway does not trust who issued the token, or its signature is not that issuer's."
        case .untimely: "The token has expired, or is not valid yet: get another, and look at the clock."
        case .audience: "The token is for another audience: ask for one for this gateway's address."
        case .claims: "The token is good, and this gateway has no login for whom it names: ask its operator."
        }
    }
}

extension String {
    /// A stranger's text, quoted, short and printable.
    var quotedForLog: String {
        "\""
            + String(
                decoding: utf8.prefix(120).map { (0x20...0x7E).contains($0) && $0 != 0x22 ? $0 : 0x3F }, as: UTF8.self)
            + (utf8.count > 120 ? "..." : "") + "\""
    }
}
