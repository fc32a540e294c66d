import Hub

/// What would become of a request with a key. Until rules are judged it says what the key's own state decides, and prints the rules.
struct KeyExplanation {
    let isAllowed: Bool
    let reason: String

    /// The one place where the judge of rules is asked.
    static func explain(
        _ record: KeyRecord, method: String, path: String, body: String?, now: Int64
    ) throws(SubcommandFailure) -> KeyExplanation {
        guard path.hasPrefix("/") else { throw .usage("the path has to begin with a slash") }
        if record.revoked != nil { return KeyExplanation(isAllowed: false, reason: "the key is revoked") }
        if let expires = record.expires, expires <= now {
            return KeyExplanation(isAllowed: false, reason: "the key has expired")
        }
        throw SubcommandFailure(
            code: Exit.unavailable,
            reason:
                "the key is good; which of its rules decides cannot be said by this version, which does not judge rules"
        )
    }

    var json: JSON { ["allowed": .bool(isAllowed), "reason": .string(reason)] }
    var text: String { "\(isAllowed ? "Allowed" : "Refused"): \(reason).\n" }
}
