import Hub

/// Keys, a page at a time: one answer has room for a page, however many keys there are.
extension AdminActs {
    /// The most bytes of a page: it fits an answer.
    private static let pageBytes = 48 << 10
    static let mostRows = 200

    /// Arguments: `search` (part of a name, a note or an id), `after` (the name and the number at the end of the page before), `all` (revoked
    /// keys, too), `limit`.
    func page(_ arguments: JSON) throws(DatabaseError) -> AdminAnswer {
        let limit = min(max(arguments["limit"]?.integerValue ?? 50, 1), Int64(Self.mostRows))
        let found = try KeyTable(database: database).page(
            KeyTable.Page(
                search: arguments["search"]?.stringValue ?? "", includingRevoked: arguments["all"] == .bool(true),
                afterName: arguments["after_name"]?.stringValue,
                afterNumber: arguments["after_number"]?.integerValue ?? 0,
                limit: limit + 1))
        var rows: [JSON] = []
        var bytes = 0
        var last: KeyRecord?
        for (record, use) in found.prefix(Int(limit)) {
            let row = record.json(use)
            bytes += (try? row.encoded().count) ?? 0
            guard bytes <= Self.pageBytes || rows.isEmpty else { break }
            rows.append(row)
            last = record
        }
        var answer: [String: JSON] = ["keys": .array(rows), "next": .null]
        if let last, found.count > rows.count {
            answer["next"] = ["name": .string(last.name), "number": .integer(last.number)]
        }
        return .done(.object(answer))
    }

    func find(_ arguments: JSON) throws(DatabaseError) -> AdminAnswer {
        let keys = KeyTable(database: database)
        guard let name = arguments["name"]?.stringValue, let record = try keys.find(name) else {
            return AdminAnswer(outcome: .notThere)
        }
        var members = record.members(try keys.use(of: record.number))
        members["public_id"] = .integer(record.publicID)
        return .done(.object(members))
    }

    /// A piece of the usage of keys (`UsagePiece`).
    func usage(_ arguments: JSON) throws(DatabaseError) -> AdminAnswer {
        guard let question = UsagePiece.Question(arguments) else { return AdminAnswer(outcome: .malformed) }
        return AdminAnswer(outcome: .done, body: try UsageTable(database: database).piece(question).bytes)
    }

    /// Arguments: `ids`, public ids of at most `mostRows` keys. Returns their names, null for a key that is not known any more.
    func names(_ arguments: JSON) throws(DatabaseError) -> AdminAnswer {
        guard case .array(let ids)? = arguments["ids"], ids.count <= Self.mostRows else {
            return AdminAnswer(outcome: .malformed)
        }
        let keys = KeyTable(database: database)
        return .done([
            "names": .array(
                try ids.map { (id) throws(DatabaseError) in
                    let record = try id.integerValue.flatMap { (id) throws(DatabaseError) in try keys.find(publicID: id)
                    }
                    return record.map { .string($0.name) } ?? .null
                })
        ])
    }
}

extension KeyTable {
    /// A request for a page of keys.
    struct Page {
        let search: String
        let includingRevoked: Bool
        /// The last key of the page before; nil: the first page.
        let afterName: String?
        let afterNumber: Int64
        let limit: Int64
    }

    /// By name; keys that had the same name at different times, by number.
    func page(_ page: Page) throws(DatabaseError) -> [(KeyRecord, KeyUse?)] {
        let statement = try database.prepare(
            """
            SELECT \(Self.columns), last_used, uses FROM keys LEFT JOIN key_use USING (number)
            WHERE (?1 OR revoked IS NULL) AND (?2 IS NULL OR (name, number) > (?2, ?3))
                AND (?4 = '' OR instr(lower(name), lower(?4)) > 0 OR instr(lower(note), lower(?4)) > 0 OR public_id = ?5
                    OR instr(lower(coalesce(role, '')), lower(?4)) > 0)
            ORDER BY name, number LIMIT ?6
            """)
        let id = page.search.hasPrefix(KeyRecord.prefix) ? String(page.search.dropFirst(KeyRecord.prefix.count)) : ""
        let publicID =
            id.utf8.count == KeyRecord.idLength
            ? Base62.number(Array(id.utf8).span).map { Int64(truncatingIfNeeded: $0) } : nil
        try statement.bind([
            .integer(page.includingRevoked ? 1 : 0), .init(page.afterName), .integer(page.afterNumber),
            .text(page.search),
            .init(publicID), .integer(page.limit),
        ])
        var rows: [(KeyRecord, KeyUse?)] = []
        while try statement.step() {
            let after = Self.columnCount
            let use =
                statement.isNull(after)
                ? nil : KeyUse(lastUsed: statement.integer(after), uses: statement.integer(after + 1))
            rows.append((KeyRecord(row: statement), use))
        }
        return rows
    }

    /// Nil: it was never used.
    func use(of number: Int64) throws(DatabaseError) -> KeyUse? {
        let statement = try database.prepare("SELECT last_used, uses FROM key_use WHERE number = ?1")
        try statement.bind([.integer(number)])
        return try statement.step() ? KeyUse(lastUsed: statement.integer(0), uses: statement.integer(1)) : nil
    }
}
