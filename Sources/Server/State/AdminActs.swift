import EventIO
import HTTP
import Hub

/// Carries out administrators' orders on the database. Each act is audited, in its own transaction.
struct AdminActs {
    let database: Database
    /// The key of sessions.
    let sessionKey: Secret
    /// Seconds since 1970.
    let now: Int64

    private var keys: KeyTable { KeyTable(database: database) }

    /// The role of administrators' keys.
    static let role = "admin"

    /// Whether a key is an administrator's: it has that role, and no rule that denies.
    static func isAdministrator(_ grant: KeyGrant) -> Bool { grant.role == role && grant.deny.isEmpty }

    func carryOut(_ order: AdminOrder) throws(DatabaseError) -> AdminAnswer {
        guard let caller = try caller(order.proof) else { return AdminAnswer(outcome: .noAdministrator) }
        switch order.act {
        case .who: return .done(["name": .string(caller.name), "public_id": .integer(caller.publicID)])
        case .keys: return try page(order.arguments)
        case .key: return try find(order.arguments)
        case .usage: return try usage(order.arguments)
        case .keyNames: return try names(order.arguments)
        case .signIn: return try signIn(caller, order)
        case .createKey: return try create(order, by: caller)
        case .editKey, .rotateKey, .revokeKey: return try change(order, by: caller)
        case .cancel, .note: return try note(order, by: caller)
        // Reads of files, which the state process does.
        case .auditPiece, .status: return AdminAnswer(outcome: .done)
        }
    }

    /// The key that a proof belongs to, where it is valid and an administrator's.
    func caller(_ proof: AdminOrder.Proof) throws(DatabaseError) -> KeyRecord? {
        switch proof {
        case .key(let publicID, let secret):
            let words = SecretDigest.sha256(secret.span)
            let hash = unsafe withUnsafeBytes(of: words) { unsafe Array($0) }
            return try administrator(publicID) { HMACSHA256.isSame($0, hash) }
        case .session(let token):
            guard let session = AdminSession(token, sessionKey), session.expires > now else { return nil }
            return try administrator(session.publicID) { AdminSession.generation(ofHash: $0) == session.generation }
        }
    }

    private func administrator(
        _ publicID: Int64, _ isHash: ([UInt8]) -> Bool
    ) throws(DatabaseError) -> KeyRecord? {
        guard let record = try keys.find(publicID: publicID), record.revoked == nil, record.expires ?? .max > now,
            Self.isAdministrator(record.grant)
        else { return nil }
        if isHash(record.secretHash) { return record }
        guard let previous = record.previous, previous.until > now, isHash(previous.secretHash) else { return nil }
        return record
    }

    private func signIn(_ caller: KeyRecord, _ order: AdminOrder) throws(DatabaseError) -> AdminAnswer {
        // With the secret alone: a session cannot prolong itself.
        guard case .key(_, let secret) = order.proof else { return AdminAnswer(outcome: .malformed) }
        let words = SecretDigest.sha256(secret.span)
        let hash = unsafe withUnsafeBytes(of: words) { unsafe Array($0) }
        let expires = min(now + AdminSession.lifetime, caller.expires ?? .max)
        let session = AdminSession(
            publicID: caller.publicID, generation: AdminSession.generation(ofHash: hash), expires: expires)
        try insert("sign-in", order, by: caller)
        return .done([
            "token": .string(session.token(sessionKey)), "expires": .integer(expires), "name": .string(caller.name),
        ])
    }

    // MARK: changes

    private func create(_ order: AdminOrder, by caller: KeyRecord) throws(DatabaseError) -> AdminAnswer {
        let arguments = order.arguments
        guard let name = arguments["name"]?.stringValue, let publicID = arguments["public_id"]?.integerValue,
            publicID >= 0, let hash = arguments["hash"]?.stringValue.flatMap({ Base64URL.decode($0.utf8) }),
            hash.count == 32
        else { return AdminAnswer(outcome: .malformed) }
        var record = KeyRecord(name: name, publicID: publicID, secretHash: hash, grant: KeyGrant(), created: now)
        apply(arguments, to: &record)
        guard try keys.find(publicID: publicID) == nil else { return AdminAnswer(outcome: .malformed) }
        guard try keys.find(name).map({ $0.revoked != nil }) ?? true else { return AdminAnswer(outcome: .nameTaken) }
        try keys.insert(record)
        try insert("create", record, order, by: caller)
        return .done(record.json(nil))
    }

    private func change(_ order: AdminOrder, by caller: KeyRecord) throws(DatabaseError) -> AdminAnswer {
        guard let name = order.arguments["name"]?.stringValue else { return AdminAnswer(outcome: .malformed) }
        guard var record = try keys.find(name) else { return AdminAnswer(outcome: .notThere) }
        guard record.revoked == nil else { return AdminAnswer(outcome: .revoked) }
        let event: String
        switch order.act {
        case .revokeKey:
            event = "revoke"
            record.revoked = now
        case .rotateKey:
            event = "rotate"
            // The new secret was made for the key with this public id: meanwhile another key may have taken the name.
            guard order.arguments["public_id"]?.integerValue == record.publicID,
                let hash = order.arguments["hash"]?.stringValue.flatMap({ Base64URL.decode($0.utf8) }),
                hash.count == 32,
                let grace = order.arguments["grace"]?.integerValue, grace >= 0, grace <= 3653 * 86_400
            else { return AdminAnswer(outcome: .malformed) }
            record.previous = grace > 0 ? .init(secretHash: record.secretHash, until: now + grace) : nil
            record.secretHash = hash
        default:
            event = "edit"
            let couldAct = record.grant.allowsAny
            apply(order.arguments["change"] ?? [:], to: &record)
            if couldAct, !record.grant.allowsAny { return AdminAnswer(outcome: .useless) }
        }
        if record.name != name, let other = try keys.find(record.name), other.revoked == nil {
            return AdminAnswer(outcome: .nameTaken)
        }
        try keys.update(record)
        try insert(event, record, order, by: caller, formerName: name)
        return .done(record.json(try keys.use(of: record.number)))
    }

    /// Present members replace the old values; null removes one.
    private func apply(_ members: JSON, to record: inout KeyRecord) {
        func text(_ name: String, _ old: String?) -> String? {
            guard let value = members[name] else { return old }
            return value.stringValue
        }
        func list(_ name: String, _ old: [String]) -> [String] {
            guard case .array(let elements)? = members[name] else { return old }
            return elements.compactMap(\.stringValue)
        }
        func limits(_ old: String?) -> String? {
            guard let value = members["limits"] else { return old }
            guard case .object(let given) = value else { return nil }
            let changed = (old.flatMap { KeyLimits($0) } ?? KeyLimits()).changed(by: given)
            return changed.isEmpty ? nil : changed.description
        }
        record.name = members["name"]?.stringValue ?? record.name
        record.grant = KeyGrant(
            role: text("role", record.grant.role), allow: list("allow", record.grant.allow),
            deny: list("deny", record.grant.deny), credential: text("as", record.grant.credential),
            rate: text("rate", record.grant.rate), policy: text("policy", record.grant.policy),
            limits: limits(record.grant.limits))
        record.note = members["note"]?.stringValue ?? record.note
        if let expires = members["expires"] { record.expires = expires.integerValue }
    }

    // MARK: the audit

    private func note(_ order: AdminOrder, by caller: KeyRecord) throws(DatabaseError) -> AdminAnswer {
        guard let event = order.arguments["event"]?.stringValue else { return AdminAnswer(outcome: .malformed) }
        try insert(event, order, by: caller)
        return .done([:])
    }

    private func insert(_ event: String, _ order: AdminOrder, by caller: KeyRecord) throws(DatabaseError) {
        var line = AuditRecord(.admin)
        line.set(.event, event)
        line.set(.key, caller.name)
        line.set(.keyID, KeyRecord.shownID(caller.publicID))
        line.set(.detail, order.arguments["detail"]?.stringValue)
        try insert(line, order, by: caller)
    }

    private func insert(
        _ event: String, _ record: KeyRecord, _ order: AdminOrder, by caller: KeyRecord, formerName: String? = nil
    ) throws(DatabaseError) {
        var line = AuditRecord.keyEvent(event, record, id: KeyRecord.shownID(record.publicID), by: caller.name)
        if let formerName, formerName != record.name { line.set(.detail, "it was called \(formerName)") }
        try insert(line, order, by: caller)
    }

    private func insert(_ line: AuditRecord, _ order: AdminOrder, by caller: KeyRecord) throws(DatabaseError) {
        var line = line
        line.set(.by, caller.name)
        line.set(.address, order.address)
        line.set(.requestID, order.arguments["request_id"]?.stringValue)
        try AuditTables(database: database).insert(line)
    }
}

extension JSON {
    /// Nil for anything but a whole number.
    var integerValue: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }
}
