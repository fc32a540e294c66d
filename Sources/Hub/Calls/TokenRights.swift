import HTTP

/// What a token may change, by `whoami-v2`: its role, and the account's roles in organisations. For a fine-grained token the Hub
/// does not tell it in a reliable form.
package struct TokenRights: Sendable, Equatable {
    /// The token's account.
    package let name: String
    private let role: String?
    /// By the organisation's name in small letters.
    private let roles: [String: String]

    /// Throws `hubBroken` for JSON that is no account.
    package init(account: [UInt8]) throws(Failure) {
        guard let json = try? JSON.parse(account, within: .account), let name = json["name"]?.stringValue,
            let id = try? RepoID(name), id.namespace == nil
        else { throw .hubBroken("the account has no name") }
        self.name = name
        role = json["auth"]?["accessToken"]?["role"]?.stringValue
        var roles: [String: String] = [:]
        if case .array(let organizations)? = json["orgs"] {
            for organization in organizations {
                guard let name = organization["name"]?.stringValue else { continue }
                roles[Self.small(name)] = organization["roleInOrg"]?.stringValue ?? ""
            }
        }
        self.roles = roles
    }

    /// Whether it may create, change and delete repositories of `owner`'s, with the reason as a clause; nil: only the Hub knows.
    package func mayChange(_ owner: String) -> (may: Bool?, reason: String) {
        switch role {
        case "read": return (false, "the token may only read")
        case "write": break
        case "fineGrained": return (nil, "the token is fine-grained: only the Hub knows what it may")
        default: return (nil, "the Hub does not say what the token may")
        }
        if Self.small(owner) == Self.small(name) { return (true, "the token may write, and the owner is its own") }
        switch roles[Self.small(owner)] {
        case "admin", "write": return (true, "the token may write, and its account may in \(owner)")
        case "read": return (false, "the token's account may only read in \(owner)")
        case nil: return (false, "the token's account does not belong to \(owner)")
        default: return (nil, "only the Hub knows what the token's account may in \(owner)")
        }
    }

    private static func small(_ text: String) -> String {
        String(decoding: text.utf8.map(\.asciiLowercased), as: UTF8.self)
    }
}
