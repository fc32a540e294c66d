import HTTP

/// The keys that logins have made. Unlike others they are removed a while after their end: there may be thousands a day.
struct LoginKeys {
    let database: Database

    /// How long an expired one stays to be shown, in seconds.
    static let memory: Int64 = 86_400

    /// Makes a key for a workload, within what `bounds` says of the rule.
    func make(
        _ secret: NewSecret, by rule: String, subject: String, _ bounds: LoginBounds, now: Int64
    ) throws(DatabaseError) -> LoginAnswer {
        guard let bound = bounds.rules[rule] else { return .noRule }
        // A worker that was taken over may name any: it shall not make the transaction fail for others.
        guard try !exists(secret.publicID) else { return .malformed }
        guard try living(of: rule, now: now) < bound.mostKeys else { return .tooManyKeys }
        let record = KeyRecord(
            name: "oidc:" + Self.printable(subject), publicID: secret.publicID, secretHash: secret.secretHash,
            grant: KeyGrant(role: bound.role, credential: bound.credential), note: "login \(rule)", created: now,
            expires: now + bound.lifetime)
        return .made(name: try insert(record, login: rule), expires: now + bound.lifetime)
    }

    /// Inserts a key under a name that it has alone: its own, `#`, and a number. Returns the name.
    func insert(_ record: KeyRecord, login: String) throws(DatabaseError) -> String {
        let keys = KeyTable(database: database)
        var record = record
        record.name += "#\(try keys.lastChange() + 1)"
        try keys.insert(record)
        try database.prepare("UPDATE keys SET login = ?1 WHERE public_id = ?2").run(
            .text(login), .integer(record.publicID))
        try AuditTables(database: database).insert(
            AuditRecord.keyEvent(
                "create", record, id: KeyRecord.shownID(record.publicID), by: "login \(login)"))
        return record.name
    }

    /// Removes those whose end is a while ago. Returns how many they were.
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

    private func living(of rule: String, now: Int64) throws(DatabaseError) -> Int64 {
        let statement = try database.prepare(
            "SELECT count(*) FROM keys WHERE login = ?1 AND revoked IS NULL AND expires > ?2")
        try statement.bind([.text(rule), .integer(now)])
        return try statement.step() ? statement.integer(0) : 0
    }

    /// A stranger's text in a key's name: it stands in logs and tables as it is.
    static func printable(_ text: String) -> String {
        let kept = Array("._:/@+-=".utf8)
        return String(
            decoding: text.utf8.prefix(LoginOrder.longestSubject).map { byte in
                byte.isASCIIAlphanumeric || kept.contains(byte) ? byte : UInt8(ascii: "_")
            }, as: UTF8.self)
    }
}
