import EventIO
import HTTP

/// The keys that logins have made. Unlike others they are removed some time after their end: there may be thousands a day.
struct LoginKeys {
    let database: Database

    /// How long an expired key is still shown, in seconds.
    static let memory: Int64 = 86_400

    /// Makes a key for a workload, within the `bounds` of the rule.
    func make(
        _ secret: NewSecret, by rule: String, subject: String, _ bounds: LoginBounds, now: Int64
    ) throws(DatabaseError) -> LoginAnswer {
        guard let bound = bounds.rules[rule] else { return .noRule }
        // A worker that was taken over may name any id: it must not make the transaction fail for others.
        guard try !exists(secret.publicID) else { return .malformed }
        let subjectHash = MessageDigest.sha256(Array(subject.utf8))
        let living = try living(of: rule, subjectHash, now: now)
        guard living.all < bound.mostKeys else { return .tooManyKeys }
        guard living.own < bound.mostKeysOfSubject else { return .tooManyKeysOfSubject }
        let record = KeyRecord(
            name: "oidc:" + Self.printable(subject), publicID: secret.publicID, secretHash: secret.secretHash,
            grant: KeyGrant(role: bound.role, credential: bound.credential), note: "login \(rule)", created: now,
            expires: now + bound.lifetime)
        let name = try insert(record, login: rule, requestID: secret.requestID)
        try database.prepare("UPDATE keys SET subject = ?1 WHERE public_id = ?2").run(
            .blob(subjectHash), .integer(record.publicID))
        return .made(name: name, expires: now + bound.lifetime)
    }

    /// Inserts a key under a unique name: its own, `#`, and a number. Returns the name. `requestID`: of the request that gets the key.
    func insert(_ record: KeyRecord, login: String, requestID: String) throws(DatabaseError) -> String {
        let keys = KeyTable(database: database)
        var record = record
        record.name += "#\(try keys.lastChange() + 1)"
        try keys.insert(record)
        try database.prepare("UPDATE keys SET login = ?1 WHERE public_id = ?2").run(
            .text(login), .integer(record.publicID))
        var event = AuditRecord.keyEvent(
            "create", record, id: KeyRecord.shownID(record.publicID), by: "login \(login)", requestID: requestID)
        event.set(.detail, record.note)
        try AuditTables(database: database).insert(event)
        return record.name
    }

    /// Removes keys that ended some time ago. Returns how many.
    func removeExpired(now: Int64) throws(DatabaseError) -> Int {
        try database.transaction { () throws(DatabaseError) in
            let end = Statement.Value.integer(now - Self.memory)
            try UsageTable(database: database).mergeLogins(expiredBefore: now - Self.memory)
            try database.prepare(
                "DELETE FROM key_use WHERE number IN (SELECT number FROM keys WHERE login IS NOT NULL AND expires < ?1)"
            ).run(end)
            try database.prepare(
                "DELETE FROM observed WHERE public_id IN (SELECT public_id FROM keys WHERE login IS NOT NULL AND expires < ?1)"
            ).run(end)
            try database.prepare("DELETE FROM keys WHERE login IS NOT NULL AND expires < ?1").run(end)
            return database.changes
        }
    }

    func exists(_ publicID: Int64) throws(DatabaseError) -> Bool {
        let statement = try database.prepare("SELECT 1 FROM keys WHERE public_id = ?1")
        try statement.bind([.integer(publicID)])
        return try statement.step()
    }

    /// Whether a login has made the key: a workload's, or a device's.
    func isOfLogin(_ publicID: Int64) throws(DatabaseError) -> Bool {
        let statement = try database.prepare("SELECT 1 FROM keys WHERE public_id = ?1 AND login IS NOT NULL")
        try statement.bind([.integer(publicID)])
        return try statement.step()
    }

    /// How many keys of a rule are live: all, and those of one subject.
    private func living(
        of rule: String, _ subjectHash: [UInt8], now: Int64
    ) throws(DatabaseError) -> (all: Int64, own: Int64) {
        let statement = try database.prepare(
            "SELECT count(*), count(*) FILTER (WHERE subject = ?3) FROM keys WHERE login = ?1 AND revoked IS NULL AND expires > ?2"
        )
        try statement.bind([.text(rule), .integer(now), .blob(subjectHash)])
        return try statement.step() ? (statement.integer(0), statement.integer(1)) : (0, 0)
    }

    /// A stranger's text in a form for a key's name, which logs and tables show unchanged.
    static func printable(_ text: String) -> String {
        let kept = Array("._:/@+-=".utf8)
        return String(
            decoding: text.utf8.prefix(LoginOrder.longestSubject).map { byte in
                byte.isASCIIAlphanumeric || kept.contains(byte) ? byte : UInt8(ascii: "_")
            }, as: UTF8.self)
    }
}
