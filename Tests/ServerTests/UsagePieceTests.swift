import Hub
@testable import Server
import Testing

/// Usage that is added up a piece at a time, as administrators over HTTP get it.
@Suite struct UsagePieceTests {
    private let temporary = TemporaryDirectory()

    private static let days: ClosedRange<Int64> = 100...104

    /// So many lines, of three keys, days, actions and resources that differ.
    private func table(_ count: Int) throws -> UsageTable {
        let database = try StateDirectory(temporary.path).open()
        for id in 1...3 as ClosedRange<Int64> {
            try KeyTable(database: database).insert(
                KeyRecord(
                    name: "k\(id)", publicID: id, secretHash: [UInt8](repeating: UInt8(id), count: 32),
                    grant: KeyGrant(role: "reader"), created: 1))
        }
        try database.transaction { () throws(DatabaseError) in
            let statement = try database.prepare(
                "INSERT OR REPLACE INTO usage VALUES (?1, ?2, ?3, ?4, ?5, 1, 2, 3, 4, 5, 6)")
            for n in 0..<Int64(count) {
                try statement.run(
                    .integer(99 + n % 7), .integer(n % 4), .text(n % 3 == 0 ? "infer" : "read"),
                    .text(n % 10 == 0 ? "" : "model:acme/m\(n % 1999)"), .integer(n % 13 + 1))
            }
        }
        return UsageTable(database: database)
    }

    private func pieces(
        _ table: UsageTable, _ grouping: UsageTable.Grouping, _ publicID: Int64? = nil
    ) throws -> (groups: [String: UsageReport.Counts], count: Int) {
        var question = UsagePiece.Question(grouping: grouping, days: Self.days, publicID: publicID)
        var groups: [String: UsageReport.Counts] = [:]
        for count in 1... {
            let piece = try table.piece(try #require(UsagePiece.Question(question.json)))
            let told = try #require(UsagePiece(piece.bytes))
            #expect(told == piece && piece.bytes.count < StateRecord.longest)
            for (group, counts) in told.groups { groups[group, default: .init()].addBounded(counts) }
            guard let next = told.next else { return (groups, count) }
            question.after = next
        }
        return (groups, 0)
    }

    @Test("The pieces come to what one statement adds up, for each grouping, of all keys and of one")
    func sums() throws {
        let table = try table(20_000)
        for grouping in UsageTable.Grouping.allCases {
            for key in [nil, 0, 2, 9] as [Int64?] {
                let found = try pieces(table, grouping, key)
                let rows = try table.rows(by: grouping, days: Self.days, of: key, limit: 100_000)
                #expect(found.groups == Dictionary(uniqueKeysWithValues: rows.map { ($0.group, $0.counts) }))
                #expect(key != nil || found.count > 5)
            }
        }
    }

    @Test("A table without lines, and days without any, are one piece of nothing")
    func nothing() throws {
        let table = try table(0)
        #expect(try table.piece(.init(grouping: .repo, days: Self.days)) == UsagePiece())
        try table.database.execute("INSERT INTO usage VALUES (105, 1, 'read', 'x', 1, 0, 0, 0, 0, 0, 0)")
        #expect(try table.piece(.init(grouping: .repo, days: Self.days)) == UsagePiece())
    }

    @Test("What no piece can have been is read as none")
    func records() throws {
        let whole = try table(50).piece(.init(grouping: .repo, days: Self.days)).bytes
        for count in 0..<whole.count { _ = UsagePiece(Array(whole.prefix(count))) }
        #expect(UsagePiece([]) == nil && UsagePiece([7]) == nil && UsagePiece(Array(whole.dropLast())) == nil)
        for json in [
            [:], ["by": "x", "from": 1, "to": 2], ["by": "key", "from": 3, "to": 2],
            ["by": "key", "from": -1, "to": 2],
            ["by": "key", "from": 1, "to": .integer(.max)], ["by": "key", "from": 1, "to": 2, "after": ["day": 1]],
        ] as [JSON] {
            #expect(UsagePiece.Question(json) == nil)
        }
    }

    @Test("Days are a time to look back or a day, and the last is today unless said")
    func days() throws {
        let now: Int64 = 20_786 * 86_400 + 5
        func days(_ since: String, _ until: String? = nil) -> ClosedRange<Int64>? {
            try? KeyFields.days(since: since, until: until, as: ("since", "until"), now: now)
        }
        #expect(days("7d") == 20_779...20_786 && days("2026-11-01") == 20_758...20_786)
        #expect(days("2026-11-01", "2026-11-03") == 20_758...20_760 && days("1m", "2027-01-01") == 20_785...20_819)
        for (since, until) in [("x", nil), ("7d", "7d"), ("2026-11-05", "2026-11-04"), ("2027-01-01", nil), ("", nil)] {
            #expect(days(since, until) == nil)
        }
    }
}
