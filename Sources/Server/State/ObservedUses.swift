/// What keys in shadow mode did since the last record of this kind.
struct ObservedUses: Equatable, Sendable {
    struct Use: Equatable, Sendable {
        let publicID: Int64
        /// Empty where there was no room for the action and the resource.
        let action: String
        /// A pattern of a rule.
        let resource: String
        var uses: Int64 = 0
        /// How many of them the rules would have refused.
        var refused: Int64 = 0
        var lastUsed: Int64 = 0

        /// In bytes, with room.
        fileprivate var size: Int { action.utf8.count + resource.utf8.count + 40 }
    }

    let uses: [Use]

    /// The most that a worker that was taken over may report: sums of it cannot overflow.
    private static let largest: Int64 = 1 << 40
    private static let longestText = 512

    init(_ uses: [Use]) {
        self.uses = uses
    }

    /// Takes as many of `uses` as one record has room for.
    init(first uses: inout ArraySlice<Use>) {
        self.uses = StateRecord.takeFitting(&uses, size: \.size)
    }

    var record: StateRecord {
        var writer = ByteWriter()
        for use in uses {
            writer.put(use.publicID)
            writer.put(use.action)
            writer.put(use.resource)
            writer.put(use.uses)
            writer.put(use.refused)
            writer.put(use.lastUsed)
        }
        return StateRecord(kind: .observedUses, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        var uses: [Use] = []
        while !reader.isAtEnd {
            guard let publicID = reader.number(Int64.self), let action = reader.text(), let resource = reader.text(),
                action.utf8.count + resource.utf8.count <= Self.longestText, let count = reader.number(Int64.self),
                let refused = reader.number(Int64.self), let lastUsed = reader.number(Int64.self),
                [count, refused, lastUsed].allSatisfy({ (0...Self.largest).contains($0) })
            else { return nil }
            uses.append(
                Use(
                    publicID: publicID, action: action, resource: resource, uses: count, refused: refused,
                    lastUsed: lastUsed))
        }
        self.uses = uses
    }
}

/// The table of observed uses.
struct ObservedTable {
    let database: Database

    /// Rows of one key. Uses beyond that are counted in a row without an action.
    static let mostOfKey: Int64 = 10_000

    func add(_ uses: ObservedUses) throws(DatabaseError) {
        let count = try database.prepare(
            "SELECT count(*) FROM (SELECT 1 FROM observed WHERE public_id = ?1 LIMIT \(Self.mostOfKey))")
        let known = try database.prepare(
            "SELECT 1 FROM observed WHERE public_id = ?1 AND action = ?2 AND resource = ?3")
        let add = try database.prepare(
            """
            INSERT INTO observed SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM keys WHERE public_id = ?1)
            ON CONFLICT (public_id, action, resource) DO UPDATE SET uses = min(uses + excluded.uses, 1 << 62),
                refused = min(refused + excluded.refused, 1 << 62), last_used = max(last_used, excluded.last_used)
            """)
        var rows: [Int64: Int64] = [:]
        for use in uses.uses {
            if rows[use.publicID] == nil {
                try count.bind([.integer(use.publicID)])
                rows[use.publicID] = try count.step() ? count.integer(0) : 0
            }
            try known.bind([.integer(use.publicID), .text(use.action), .text(use.resource)])
            let isKnown = try known.step()
            known.reset()
            let fits = isKnown || rows[use.publicID] ?? 0 < Self.mostOfKey
            if !isKnown { rows[use.publicID, default: 0] += 1 }
            try add.run(
                .integer(use.publicID), .text(fits ? use.action : ""), .text(fits ? use.resource : ""),
                .integer(use.uses), .integer(use.refused), .integer(use.lastUsed))
        }
    }

    /// What a key did since a time in seconds since 1970.
    func uses(of publicID: Int64, since time: Int64) throws(DatabaseError) -> [ObservedUses.Use] {
        let statement = try database.prepare(
            """
            SELECT action, resource, uses, refused, last_used FROM observed WHERE public_id = ?1 AND last_used >= ?2
            ORDER BY action, resource
            """)
        try statement.bind([.integer(publicID), .integer(time)])
        var uses: [ObservedUses.Use] = []
        while try statement.step() {
            uses.append(
                ObservedUses.Use(
                    publicID: publicID, action: statement.text(0), resource: statement.text(1),
                    uses: statement.integer(2), refused: statement.integer(3), lastUsed: statement.integer(4)))
        }
        return uses
    }

    func forget(_ publicID: Int64) throws(DatabaseError) {
        try database.prepare("DELETE FROM observed WHERE public_id = ?1").run(.integer(publicID))
    }
}
