package import HTTP

/// The account of the token: `GET /api/whoami-v2`. The Hub limits this call strictly.
package struct WhoAmI: HubCall, Equatable {
    package init() {}

    package var method: Method { .get }
    package var path: String { "/api/whoami-v2" }
    package var limits: JSONLimits { .account }

    /// The Hub's JSON, where `auth.accessToken` keeps only members that cannot help to misuse the token. An allow-list: a
    /// field that the Hub adds one day may be the secret itself. All other fields pass, whatever their type (types have
    /// changed); an `auth` that is not an object is removed, since its content is unknown.
    package func read(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        guard case .object(var account)? = try? JSON.parse(body, within: limits) else {
            throw .hubBroken("the account is not a JSON object")
        }
        if case .object(var auth) = account["auth"] {
            if let token = auth["accessToken"] { auth["accessToken"] = Self.harmless(token) }
            account["auth"] = .object(auth)
        } else {
            account["auth"] = nil
        }
        return try JSON.object(account).encoded()
    }

    private static func harmless(_ token: JSON) -> JSON {
        guard case .object(let members) = token else { return .null }
        return .object(members.filter { shown.contains($0.key) })
    }

    private static let shown: Set<String> = ["displayName", "role", "createdAt", "fineGrained"]
}
