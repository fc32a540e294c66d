import Hub

/// The response to `whoami-v2` for a key: its own name as that of a fine-grained token, and of the account only the name and the
/// organisations within the scope. Members are shown by a fixed list, since the Hub may add one that tells too much.
enum KeyAccountView {
    private static let ofAccount = ["type", "id", "name", "fullname", "avatarUrl", "isPro"]
    private static let ofOrganization = ["type", "id", "name", "fullname", "avatarUrl", "roleInOrg"]

    /// `account` is the Hub's response for the upstream credential, `key` the key's name. Throws `hubBroken` for a response that is no
    /// object.
    static func json(_ account: [UInt8], key: String, _ scope: Scope) throws(Failure) -> JSON {
        guard case .object(let members)? = try? JSON.parse(account, within: .account) else {
            throw .hubBroken("the account is not a JSON object")
        }
        var shown = texts(of: members, named: ofAccount)
        shown["orgs"] = .array(organizations(members["orgs"], scope))
        shown["auth"] = [
            "type": "access_token", "accessToken": ["displayName": .string(key), "role": "fineGrained"],
        ]
        return .object(shown)
    }

    private static func organizations(_ value: JSON?, _ scope: Scope) -> [JSON] {
        guard case .array(let elements)? = value else { return [] }
        return elements.compactMap { element in
            guard case .object(let members) = element, let name = members["name"]?.stringValue,
                scope.concerns(owner: name)
            else { return nil }
            return .object(texts(of: members, named: ofOrganization))
        }
    }

    /// Texts and flags only: an object could hold anything.
    private static func texts(of members: [String: JSON], named names: [String]) -> [String: JSON] {
        members.filter { name, value in
            guard names.contains(name) else { return false }
            return switch value {
            case .string, .bool: true
            default: false
            }
        }
    }
}
