import HTTP
import Hub

/// Judges a token's claims, after its signature was verified.
enum TokenJudgement {
    /// How far clocks may differ, in seconds.
    static let leeway = 60.0
    /// The longest claim that is compared with a pattern, in bytes.
    private static let longestText = 1024

    /// RFC 7519 sections 4.1.4 to 4.1.6. `now` is in seconds since 1970.
    static func checkTimes(_ claims: [String: JSON], now: Int64) throws(TokenRefusal) {
        let now = Double(now)
        guard let expires = try time("exp", claims) else { throw .malformed("it has no exp, so it would never end") }
        guard now < expires + leeway else { throw TokenRefusal(.untimely, "it expired \(shown(now - expires)) s ago") }
        if let begins = try time("nbf", claims), begins - leeway > now {
            throw TokenRefusal(.untimely, "it is valid in \(shown(begins - now)) s only (nbf)")
        }
        if let issued = try time("iat", claims), issued - leeway > now {
            throw TokenRefusal(.untimely, "it was issued \(shown(issued - now)) s in the future (iat)")
        }
    }

    private static func time(_ name: String, _ claims: [String: JSON]) throws(TokenRefusal) -> Double? {
        switch claims[name] {
        case nil: nil
        case .integer(let seconds): Double(seconds)
        case .number(let seconds) where seconds.isFinite: seconds
        default: throw .malformed("its \(name) is no number")
        }
    }

    /// A stranger chooses the number, so it may be of any size.
    private static func shown(_ seconds: Double) -> String { seconds < 1e9 ? String(Int(seconds)) : "very many" }

    /// The first of `rules` that covers these claims. All are of the token's issuer.
    static func rule(for claims: [String: JSON], among rules: [LoginRule]) throws(TokenRefusal) -> LoginRule {
        let audiences = try audiences(claims)
        let addressed = rules.filter { !Set($0.audiences).isDisjoint(with: audiences) }
        guard !addressed.isEmpty else {
            let named = audiences.map(\.quotedForLog).joined(separator: ", ")
            throw TokenRefusal(.audience, "its aud is \(named), and no login of its issuer has that audience")
        }
        var reasons: [String] = []
        for rule in addressed {
            guard let fault = rule.claims.lazy.compactMap({ fault($0, claims) }).first else { return rule }
            reasons.append("\(rule.name): \(fault)")
        }
        throw TokenRefusal(.claims, "no login is for it: " + reasons.prefix(5).joined(separator: "; "))
    }

    /// RFC 7519 section 4.1.3: a text, or a list of them.
    private static func audiences(_ claims: [String: JSON]) throws(TokenRefusal) -> [String] {
        switch claims["aud"] {
        case .string(let text): return [text]
        case .array(let values) where (1...16).contains(values.count):
            let texts = values.compactMap(\.stringValue)
            guard texts.count == values.count else { fallthrough }
            return texts
        default: throw TokenRefusal(.audience, "it has no aud, or one that is neither a text nor a short list of them")
        }
    }

    /// Why a condition does not hold; nil where it does.
    private static func fault(_ condition: ClaimCondition, _ claims: [String: JSON]) -> String? {
        let text: String
        switch claims[condition.name] {
        case .string(let value): text = value
        case .bool(let value): text = value ? "true" : "false"
        case .integer(let value): text = String(value)
        case nil: return "it has no \(condition.name)"
        // A list is not compared with a text: it may hold the wanted name and others, which means something else.
        case let other?: return "its \(condition.name) is \(other.kindName)"
        }
        // Matching costs the product of the two lengths.
        guard !condition.isPattern || text.utf8.count <= longestText else {
            return "its \(condition.name) is too long for a pattern"
        }
        let holds =
            condition.isPattern
            ? Glob.matches(condition.value.utf8.span, text.utf8.span, isCaseless: false)
            : condition.value.utf8.elementsEqual(text.utf8)
        return holds ? nil : "its \(condition.name) is \(text.quotedForLog)"
    }
}
