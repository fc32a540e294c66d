import EventIO
import HTTP
import Hub

/// Keys: the same members as `hubgate keys --json` prints, in both directions.
extension AdminServices {
    private static let grantMembers = ["role", "allow", "deny", "as", "rate", "policy"]
    private static let newMembers = ["name"] + grantMembers + ["limits", "expires", "note"]

    func keys(
        _ query: [String: String], _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        var arguments: [String: JSON] = [
            "all": .bool(try Self.flag(query, "all")), "limit": .integer(Int64(try Self.limit(query))),
            "search": .string(String((query["search"] ?? "").prefix(200))),
        ]
        if let after = query["after"] {
            let parts = after.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2, let number = Int64(parts[0]),
                let name = Base64URL.decode(parts[1].utf8).flatMap({ String(validating: $0, as: UTF8.self) })
            else { throw .badRequest("after has to be the member next of the page before.") }
            arguments["after_name"] = .string(name)
            arguments["after_number"] = .integer(number)
        }
        var page = try Self.members(try await ask(.keys, .object(arguments), by: caller, context))
        if let name = page["next"]?["name"]?.stringValue, let number = page["next"]?["number"]?.integerValue {
            page["next"] = .string("\(number).\(Base64URL.encode(name.utf8))")
        }
        return .object(page)
    }

    func key(_ name: String, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        var members = try await find(name, caller, context)
        members["public_id"] = nil
        if let role = members["role"]?.stringValue {
            let rules = roles.rules(of: role)?.map { JSON.string($0.description) }
            members["role_rules"] = rules.map { .array($0) } ?? .null
        }
        return .object(members)
    }

    private func find(
        _ name: String, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> [String: JSON] {
        guard caller.proof != nil else { throw .notFound("such key") }
        return try Self.members(try await ask(.key, ["name": .string(name)], by: caller, context))
    }

    private var now: Int64 { Int64(WallClock.now.seconds) }

    func create(
        _ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        let given = try await object(exchange, members: Self.newMembers)
        guard let name = given["name"] else { throw .badField("name", "is missing") }
        var members = try KeyMembers.checked(given, roles, now: now)
        members["name"] = .string(try KeyMembers.name(name))
        guard case .array(let allow) = members["allow"] ?? [], members["role"]?.stringValue != nil || !allow.isEmpty
        else {
            throw Self.uselessKey
        }
        let publicID = GatewayKey.makePublicID()
        let key = GatewayKey.make(publicID: publicID)
        members["public_id"] = .integer(publicID)
        members["hash"] = .string(Base64URL.encode(key.secretHash.bytes))
        var made = try Self.members(try await ask(.createKey, .object(members), by: caller, context))
        made["key"] = .string(key.text)
        return .object(made)
    }

    func edit(
        _ name: String, _ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        let given = try await object(exchange, members: Self.newMembers)
        var change = try KeyMembers.checked(given, roles, now: now)
        if let other = given["name"] {
            change["name"] = .string(try KeyMembers.name(other))
        }
        let order: JSON = ["name": .string(name), "change": .object(change)]
        return .object(try Self.members(try await ask(.editKey, order, by: caller, context)))
    }

    func rotate(
        _ name: String, _ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        let given = try await object(exchange, members: ["grace"])
        let grace = try KeyMembers.grace(given["grace"] ?? "24h")
        guard let publicID = try await find(name, caller, context)["public_id"]?.integerValue else {
            throw .stateSilent
        }
        let key = GatewayKey.make(publicID: publicID)
        let order: JSON = [
            "name": .string(name), "public_id": .integer(publicID), "grace": .integer(grace),
            "hash": .string(Base64URL.encode(key.secretHash.bytes)),
        ]
        var made = try Self.members(try await ask(.rotateKey, order, by: caller, context))
        made["key"] = .string(key.text)
        return .object(made)
    }

    func revoke(_ name: String, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        .object(try Self.members(try await ask(.revokeKey, ["name": .string(name)], by: caller, context)))
    }

    private static func members(_ answer: AdminAnswer) throws(Failure) -> [String: JSON] {
        guard
            case .object(let members)? = try? JSON.parse(
                answer.body, within: JSONLimits(bytes: 64 << 10, depth: 5, values: 65_536))
        else { throw .stateSilent }
        return members
    }

    // MARK: roles, and what they allow

    var allRoles: JSON {
        let listed = roles.names.map { name -> JSON in
            let rules = roles.rules(of: name)?.map { JSON.string($0.description) } ?? []
            return ["name": .string(name), "rules": .array(rules), "preset": .bool(Preset(rawValue: name) != nil)]
        }
        return ["roles": .array(listed)]
    }

    private static let mostQuestions = 50

    /// Which of some requests a key may make, or a key that does not exist yet.
    func explain(
        _ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        let given = try await object(exchange, members: ["key", "grant", "requests"])
        guard case .array(let requests)? = given["requests"], (1...Self.mostQuestions).contains(requests.count) else {
            throw .badField("requests", "has to be a list of 1 to \(Self.mostQuestions) requests")
        }
        let grant: KeyGrant
        switch (given["key"], given["grant"]) {
        case (let name?, nil):
            let key = try await find(try KeyMembers.keyName(name), caller, context)
            guard key["revoked"] == .null else { throw .badField("key", "is the name of a key that is revoked") }
            if let expires = key["expires"]?.stringValue, expires <= WallClock.iso8601(now) {
                throw .badField("key", "is the name of a key that has expired")
            }
            grant = Self.grant(key)
        case (nil, .object(let members)?):
            if let unknown = members.keys.first(where: { !Self.grantMembers.contains($0) }) {
                throw .badField("grant.\(unknown.prefix(40))", "is not known here")
            }
            grant = Self.grant(try KeyMembers.checked(members, roles, now: now))
        default: throw .badRequest("Give either key, the name of a key, or grant, an object with role, allow and deny.")
        }
        let answers = try requests.map { (request) throws(Failure) -> JSON in
            guard case .object(let members) = request, let method = members["method"]?.stringValue,
                let path = members["path"]?.stringValue, (1...32).contains(method.utf8.count)
            else {
                throw .badField(
                    "requests", "has to hold objects with the texts method and path, and body where it has one")
            }
            return try KeyMembers.field { () throws(KeyFieldFault) in
                try KeyExplanation.explain(grant, roles, method: method, path: path, body: members["body"]?.stringValue)
                    .json
            }
        }
        return ["explanations": .array(answers)]
    }

    private static func grant(_ members: [String: JSON]) -> KeyGrant {
        func list(_ name: String) -> [String] {
            guard case .array(let elements)? = members[name] else { return [] }
            return elements.compactMap(\.stringValue)
        }
        return KeyGrant(
            role: members["role"]?.stringValue, allow: list("allow"), deny: list("deny"),
            policy: members["policy"]?.stringValue)
    }
}
