/// The table of keys. Each change takes the next number of the counter `change`, by which readers find it.
struct KeyTable {
    let database: Database

    static let columns = """
        number, name, public_id, secret_hash, previous_hash, previous_until, role, allow, deny, credential, rate, note, created, \
        expires, revoked, change, policy, limits
        """
    static let columnCount = Int32(columns.count { $0 == "," } + 1)

    // MARK: reading

    /// At most `limit` keys that changed after `change`, in the order of their changes.
    func changed(after change: Int64, limit: Int) throws(DatabaseError) -> [KeyRecord] {
        let statement = try database.prepare(
            "SELECT \(Self.columns) FROM keys WHERE change > ?1 ORDER BY change LIMIT ?2")
        return try records(statement, [.integer(change), .integer(Int64(limit))])
    }

    /// The number of the last change.
    func lastChange() throws(DatabaseError) -> Int64 {
        try database.integer("SELECT value FROM counters WHERE name = 'change'") ?? 0
    }

    /// How many are not revoked.
    func liveCount() throws(DatabaseError) -> Int64 {
        try database.integer("SELECT count(*) FROM keys WHERE revoked IS NULL") ?? 0
    }

    /// How many of these are in shadow mode by their own policy.
    func shadowCount() throws(DatabaseError) -> Int64 {
        try database.integer("SELECT count(*) FROM keys WHERE revoked IS NULL AND policy = 'shadow'") ?? 0
    }

    /// By name; revoked keys come last, the newest first.
    func all(includingRevoked: Bool) throws(DatabaseError) -> [KeyRecord] {
        let statement = try database.prepare(
            "SELECT \(Self.columns) FROM keys WHERE ?1 OR revoked IS NULL "
                + "ORDER BY revoked IS NOT NULL, name, number DESC")
        return try records(statement, [.integer(includingRevoked ? 1 : 0)])
    }

    /// The live key of that name, else the one that was revoked last; nil where there was none.
    func find(_ name: String) throws(DatabaseError) -> KeyRecord? {
        let statement = try database.prepare(
            "SELECT \(Self.columns) FROM keys WHERE name = ?1 ORDER BY revoked IS NOT NULL, number DESC LIMIT 1")
        return try records(statement, [.text(name)]).first
    }

    /// Nil where there never was a key with that public id.
    func find(publicID: Int64) throws(DatabaseError) -> KeyRecord? {
        try records(try database.prepare("SELECT \(Self.columns) FROM keys WHERE public_id = ?1"), [.integer(publicID)])
            .first
    }

    /// By the key's number; a key that is missing was never used.
    func uses() throws(DatabaseError) -> [Int64: KeyUse] {
        let statement = try database.prepare("SELECT number, last_used, uses FROM key_use")
        var found: [Int64: KeyUse] = [:]
        while try statement.step() {
            found[statement.integer(0)] = KeyUse(lastUsed: statement.integer(1), uses: statement.integer(2))
        }
        return found
    }

    private func records(_ statement: Statement, _ values: [Statement.Value]) throws(DatabaseError) -> [KeyRecord] {
        try statement.bind(values)
        var records: [KeyRecord] = []
        while try statement.step() { records.append(KeyRecord(row: statement)) }
        return records
    }

    // MARK: changing

    /// Throws `conflict` where a live key has the name.
    func insert(_ record: KeyRecord) throws(DatabaseError) {
        try database.prepare(
            """
            INSERT INTO keys (name, public_id, secret_hash, role, allow, deny, credential, rate, note, created, expires, change, policy, limits)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """
        ).run(
            .text(record.name), .integer(record.publicID), .blob(record.secretHash), .init(record.grant.role),
            .text(RuleLines.text(record.grant.allow)), .text(RuleLines.text(record.grant.deny)),
            .init(record.grant.credential),
            .init(record.grant.rate), .text(record.note), .integer(record.created), .init(record.expires),
            .integer(try nextChange()), .init(record.grant.policy), .init(record.grant.limits))
    }

    /// Writes all columns of a key that can change.
    func update(_ record: KeyRecord) throws(DatabaseError) {
        try database.prepare(
            """
            UPDATE keys SET name = ?2, secret_hash = ?3, previous_hash = ?4, previous_until = ?5, role = ?6, allow = ?7, deny = ?8,
                credential = ?9, rate = ?10, note = ?11, expires = ?12, revoked = ?13, change = ?14, policy = ?15, limits = ?16
            WHERE number = ?1
            """
        ).run(
            .integer(record.number), .text(record.name), .blob(record.secretHash), .init(record.previous?.secretHash),
            .init(record.previous?.until), .init(record.grant.role), .text(RuleLines.text(record.grant.allow)),
            .text(RuleLines.text(record.grant.deny)), .init(record.grant.credential), .init(record.grant.rate),
            .text(record.note), .init(record.expires), .init(record.revoked), .integer(try nextChange()),
            .init(record.grant.policy), .init(record.grant.limits))
    }

    /// Adds `use` to the key's use, and moves its last use on.
    func add(_ use: KeyUse, to number: Int64) throws(DatabaseError) {
        try database.prepare(
            """
            INSERT INTO key_use SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM keys WHERE number = ?1)
            ON CONFLICT (number) DO UPDATE SET last_used = max(last_used, excluded.last_used), uses = min(uses + excluded.uses, 1 << 62)
            """
        ).run(.integer(number), .integer(use.lastUsed), .integer(use.uses))
    }

    private func nextChange() throws(DatabaseError) -> Int64 {
        try database.execute("UPDATE counters SET value = value + 1 WHERE name = 'change'")
        return try lastChange()
    }
}

extension KeyRecord {
    /// The present row of a statement that selects `KeyTable.columns`.
    init(row: Statement) {
        self.init(
            number: row.integer(0), name: row.text(1), publicID: row.integer(2), secretHash: row.blob(3),
            previous: row.isNull(4) ? nil : Previous(secretHash: row.blob(4), until: row.integer(5)),
            grant: KeyGrant(
                role: row.optionalText(6), allow: RuleLines.rules(row.text(7)), deny: RuleLines.rules(row.text(8)),
                credential: row.optionalText(9), rate: row.optionalText(10), policy: row.optionalText(16),
                limits: row.optionalText(17)),
            note: row.text(11), created: row.integer(12), expires: row.optionalInteger(13),
            revoked: row.optionalInteger(14), change: row.integer(15))
    }
}
