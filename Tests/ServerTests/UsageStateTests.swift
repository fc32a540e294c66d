import Glibc
@testable import Server
import Testing

/// What keys use, as the state keeps it.
@Suite struct UsageStateTests {
    private final class Place {
        private let temporary = TemporaryDirectory()
        var path: String { temporary.path }

        /// A database with keys of the public ids 1 to 3.
        func database() throws -> Database {
            let database = try StateDirectory(path).open()
            for id in 1...3 as ClosedRange<Int64> {
                try KeyTable(database: database).insert(
                    KeyRecord(
                        name: "k\(id)", publicID: id, secretHash: [UInt8](repeating: UInt8(id), count: 32),
                        grant: KeyGrant(role: "reader", limits: "bytes-a-day=1GB"), created: 1))
            }
            return database
        }
    }

    private let place = Place()
    private static let today: Int64 = 20_786
    private let now = today * 86_400 + 5

    private func debit(
        _ target: Int64, beyond: Int64 = 0, key: Int64 = 1, day: Int64 = today, run: Int64 = 7, limit: Int64 = 100
    )
        -> QuotaDebit
    {
        QuotaDebit(
            publicID: key, kind: .bytesADay, day: day, run: run, target: target, beyond: beyond, limit: limit)
    }

    @Test("Limits are kept with a key")
    func limits() throws {
        let table = KeyTable(database: try place.database())
        var key = try #require(try table.find("k1"))
        #expect(key.grant.limits == "bytes-a-day=1GB")
        key.grant.limits = nil
        try table.update(key)
        #expect(try table.find("k1")?.grant.limits == nil)
    }

    @Test("A debit goes on from what there was, never beyond the limit, and never back")
    func debits() throws {
        let table = QuotaTable(database: try place.database())
        #expect(try table.debit(debit(0, beyond: 30), now: now) == QuotaBalance(base: 0, debited: 30))
        // Another worker that knows nothing yet, and one that asks again.
        #expect(try table.debit(debit(0, beyond: 20), now: now) == QuotaBalance(base: 0, debited: 30))
        #expect(try table.debit(debit(60), now: now) == QuotaBalance(base: 0, debited: 60))
        #expect(try table.debit(debit(50), now: now) == QuotaBalance(base: 0, debited: 60))
        #expect(try table.debit(debit(170), now: now) == QuotaBalance(base: 0, debited: 100))
        #expect(try table.debit(debit(10, limit: 5), now: now) == QuotaBalance(base: 0, debited: 100))
    }

    @Test("What an earlier start had debited counts as spent; what one has given back at its end does not")
    func starts() throws {
        let table = QuotaTable(database: try place.database())
        _ = try table.debit(debit(0, beyond: 30), now: now)
        #expect(try table.debit(debit(0, beyond: 10, run: 8), now: now) == QuotaBalance(base: 30, debited: 40))
        try table.settle([debit(33, run: 8), debit(1, run: 7), debit(1, key: 2, run: 8)])
        #expect(try table.debited(of: 1, day: Self.today) == [.bytesADay: 33])
        #expect(try table.debit(debit(0, run: 9), now: now) == QuotaBalance(base: 33, debited: 33))
        // A worker cannot give back what another has spent.
        try table.settle([debit(0, run: 9), debit(99, run: 9)])
        #expect(try table.debited(of: 1, day: Self.today) == [.bytesADay: 33])
    }

    @Test("Days are apart; those that are over go, and none is taken that is not today or beside it")
    func days() throws {
        let database = try place.database()
        let table = QuotaTable(database: database)
        for day in Self.today - 1...Self.today + 1 {
            #expect(try table.debit(debit(10, day: day), now: now) == QuotaBalance(base: 0, debited: 10))
        }
        for day in [0, Self.today - 2, Self.today + 2, .max / 2, -5] as [Int64] {
            #expect(try table.debit(debit(10, day: day), now: now) == nil)
        }
        #expect(try table.debit(debit(10, key: 99), now: now) == nil)
        try table.removeOld(now: now + 86_400)
        #expect(try database.integer("SELECT count(*) FROM quotas") == 2)
    }

    @Test("Records are read as they were written, and what is cut or beyond all numbers is refused")
    func records() {
        let wanted = debit(5, beyond: 6)
        #expect(QuotaDebit(wanted.record.payload) == wanted && wanted.record.payload.count == QuotaDebit.size)
        for count in 0..<QuotaDebit.size { #expect(QuotaDebit(Array(wanted.record.payload.prefix(count))) == nil) }
        for bad in [debit(-1), debit(.max), debit(0, beyond: .min), debit(0, limit: .max)] {
            #expect(QuotaDebit(bad.record.payload) == nil)
        }
        let balance = QuotaBalance(base: 1, debited: 2)
        #expect(QuotaBalance(balance.bytes) == balance && QuotaBalance([1]) == nil)
        #expect(QuotaBalance(QuotaBalance(base: 3, debited: 2).bytes) == nil)
        let message = StateMessage.spent([wanted, debit(9, key: 2)])
        #expect(StateMessage(message.bytes) == message)
        for count in message.bytes.indices { _ = StateMessage(Array(message.bytes.prefix(count))) }
        let report = UsageReport([line("model:acme/m", 3), line("", 1)])
        #expect(UsageReport(report.record.payload) == report)
        #expect(UsageReport(UsageReport([line("m", -1)]).record.payload) == nil)
        #expect(UsageReport(UsageReport([line("m", .max)]).record.payload) == nil)
        #expect(UsageReport(UsageReport([line(String(repeating: "x", count: 201), 1)]).record.payload) == nil)
    }

    @Test("As many lines as there are fit into records, and none is lost")
    func manyLines() {
        let all = (0..<3000).map { line(String(repeating: "x", count: 150) + "\($0)", 1) }
        var rest = all[...]
        var found: [UsageReport.Line] = []
        while !rest.isEmpty {
            let report = UsageReport(first: &rest)
            #expect(!report.lines.isEmpty && report.record.payload.count <= StateRecord.longest)
            found += report.lines
        }
        #expect(found == all)
    }

    private func line(
        _ resource: String, _ requests: Int64, key: Int64 = 1, day: Int64 = today, action: String = "read"
    )
        -> UsageReport.Line
    {
        var counts = UsageReport.Counts()
        (counts.requests, counts.bytesOut, counts.tokensIn) = (requests, 10 &* requests, requests)
        return UsageReport.Line(
            subject: .init(day: day, publicID: key, action: action, resource: resource), counts: counts)
    }

    private func total(_ table: UsageTable) throws -> Int64 {
        try table.rows(by: .key, days: 0...100_000, limit: 1000).reduce(0) { $0 + $1.counts.requests }
    }

    @Test("What comes is added up, by whatever is asked, the most first")
    func sums() throws {
        let table = UsageTable(database: try place.database())
        try table.add(UsageReport([line("model:a/x", 2), line("model:a/y", 5)]), now: now)
        try table.add(
            UsageReport([
                line("model:a/x", 2, key: 2), line("llama", 9, action: "infer"), line("", 1, day: Self.today - 1),
                line("x", 1, day: 5), line("x", 1, key: 99),
            ]), now: now)
        func found(_ grouping: UsageTable.Grouping, since day: Int64 = 0, of key: Int64? = nil) throws -> [String:
            Int64]
        {
            Dictionary(
                uniqueKeysWithValues: try table.rows(by: grouping, days: day...100_000, of: key, limit: 100).map {
                    ($0.group, $0.counts.requests)
                })
        }
        #expect(try found(.key) == ["1": 17, "2": 2])
        #expect(try found(.action) == ["read": 10, "infer": 9])
        #expect(try found(.repo) == ["model:a/y": 5, "model:a/x": 4, "": 1])
        #expect(try found(.model) == ["llama": 9])
        #expect(try found(.day) == ["\(Self.today)": 18, "\(Self.today - 1)": 1])
        #expect(try found(.repo, since: Self.today, of: 2) == ["model:a/x": 2])
        #expect(try table.rows(by: .repo, days: 0...100_000, limit: 1).map(\.group) == ["model:a/y"])
        #expect(try table.rows(by: .key, days: 0...100_000, limit: 9).first?.counts.bytesOut == 170)
    }

    @Test("A key has so many lines with a resource a day; the least one makes room for another, and nothing is lost")
    func bounds() throws {
        let database = try place.database()
        let table = UsageTable(database: database)
        let most = Int(UsageTable.mostOfKey)
        try table.add(UsageReport((0..<most).map { line("r\($0)", Int64($0) + 1) }), now: now)
        try table.add(
            UsageReport([line("new", 50), line("r7", 3), line("rare", 1), line("other", 1, key: 2)]), now: now)
        let groups = try table.rows(by: .repo, days: 0...100_000, limit: 1000).map(\.group)
        #expect(groups.count == most + 2 && groups.contains("new") && groups.contains("other") && groups.contains(""))
        #expect(!groups.contains("r0") && !groups.contains("rare"))
        #expect(try total(table) == Int64(most * (most + 1) / 2) + 55)
        for round in 0..<5 {
            try table.add(UsageReport((0..<500).map { line("s\(round)-\($0)", 1) }), now: now)
            #expect(try table.rows(by: .repo, days: 0...100_000, limit: 10_000).count <= most + 2)
        }
        #expect(try total(table) == Int64(most * (most + 1) / 2) + 55 + 2500)
    }

    @Test("Sums have an end, and what is told after it is still written")
    func ends() throws {
        let database = try place.database()
        let table = UsageTable(database: database)
        try table.add(UsageReport([line("m", 1)]), now: now)
        try database.execute("UPDATE usage SET requests = \(Int64.max)")
        try table.add(UsageReport([line("m", 5)]), now: now)
        #expect(try table.rows(by: .key, days: 0...100_000, limit: 9).first?.counts.requests == 1 << 60)
    }

    @Test("Days before those that are kept go; what keys of logins did stays when they do")
    func removal() throws {
        let database = try place.database()
        let table = UsageTable(database: database)
        try table.add(UsageReport([line("m", 1, day: Self.today - 1), line("m", 2), line("m", 4, key: 2)]), now: now)
        try database.execute("UPDATE keys SET login = 'ci', expires = 10 WHERE public_id = 1")
        #expect(try LoginKeys(database: database).removeExpired(now: now) == 1)
        #expect(try table.rows(by: .key, days: 0...100_000, limit: 9).map(\.group) == ["2", "0"])
        #expect(try total(table) == 7)
        try table.removeOld(now: now, days: 0)
        #expect(try total(table) == 6)
        try table.removeOld(now: now + 10 * 86_400, days: 9)
        #expect(try total(table) == 0)
    }
}
