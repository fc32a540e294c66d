/// Asks the state process to debit more of a key's limit for a day, before it is spent: so what is spent is always on the disk.
struct QuotaDebit: Equatable, Sendable {
    let publicID: Int64
    let kind: KeyLimit
    /// Days since 1970, in UTC.
    let day: Int64
    /// The start of the gateway that asks: debits of an earlier one count as spent, since their use is not known.
    let run: Int64
    /// Debit up to this, including earlier starts. At the end of a gateway: so much was spent.
    var target: Int64 = 0
    /// Or up to so much beyond earlier starts, for a caller that does not know these yet.
    var beyond: Int64 = 0
    /// Never beyond the limit.
    var limit: Int64 = 0
}

/// How much is debited of a limit for a day.
struct QuotaBalance: Equatable, Sendable {
    /// By earlier starts of the gateway.
    let base: Int64
    /// In all.
    let debited: Int64
}

extension QuotaDebit {
    /// The most that a worker that was taken over may report: sums of it cannot overflow.
    private static let largest: Int64 = KeyLimit.most * 2

    var record: StateRecord {
        var writer = ByteWriter()
        put(into: &writer)
        return StateRecord(kind: .quotaDebit, payload: writer.bytes)
    }

    /// In bytes, as `put` writes it.
    static let size = 6 * 8 + 1

    func put(into writer: inout ByteWriter) {
        writer.put(publicID)
        writer.put(kind.rawValue)
        for number in [day, run, target, beyond, limit] { writer.put(number) }
    }

    /// Nil for bytes that `put` cannot have made.
    init?(from reader: inout ByteReader) {
        guard let publicID = reader.number(Int64.self),
            let kind = reader.number(UInt8.self).flatMap(KeyLimit.init(rawValue:)),
            let day = reader.number(Int64.self), let run = reader.number(Int64.self),
            let target = reader.number(Int64.self), let beyond = reader.number(Int64.self),
            let limit = reader.number(Int64.self),
            [target, beyond, limit].allSatisfy({ (0...Self.largest).contains($0) })
        else { return nil }
        self.init(publicID: publicID, kind: kind, day: day, run: run, target: target, beyond: beyond, limit: limit)
    }

    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        self.init(from: &reader)
        guard reader.isAtEnd else { return nil }
    }
}

extension QuotaBalance {
    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(base)
        writer.put(debited)
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let base = reader.number(Int64.self), let debited = reader.number(Int64.self), reader.isAtEnd,
            base >= 0, debited >= base
        else { return nil }
        self.init(base: base, debited: debited)
    }
}

/// The table of debits.
struct QuotaTable {
    let database: Database

    private static let secondsADay: Int64 = 86_400

    /// Nil for a day that is neither today nor next to it, and for a key that does not exist. A client with a certificate has a negative id and no row.
    func debit(_ debit: QuotaDebit, now: Int64) throws(DatabaseError) -> QuotaBalance? {
        let today = now / Self.secondsADay
        guard (today - 1...today + 1).contains(debit.day) else { return nil }
        let before = try balance(of: debit)
        let base = before.map { $0.run == debit.run ? $0.base : $0.debited } ?? 0
        let debited = max(before?.debited ?? 0, min(debit.limit, max(debit.target, base + debit.beyond)))
        try database.prepare(
            """
            INSERT OR REPLACE INTO quotas SELECT ?1, ?2, ?3, ?4, ?5, ?6
                WHERE ?1 < 0 OR EXISTS (SELECT 1 FROM keys WHERE public_id = ?1)
            """
        ).run(
            .integer(debit.publicID), .integer(Int64(debit.kind.rawValue)), .integer(debit.day), .integer(debit.run),
            .integer(base), .integer(debited))
        return database.changes > 0 ? QuotaBalance(base: base, debited: debited) : nil
    }

    /// At the end of a gateway: gives back debits that were not spent.
    func settle(_ debits: [QuotaDebit]) throws(DatabaseError) {
        let statement = try database.prepare(
            """
            UPDATE quotas SET debited = max(base, ?5) WHERE public_id = ?1 AND kind = ?2 AND day = ?3 AND run = ?4 AND debited > ?5
            """)
        for debit in debits {
            try statement.run(
                .integer(debit.publicID), .integer(Int64(debit.kind.rawValue)), .integer(debit.day),
                .integer(debit.run), .integer(debit.target))
        }
    }

    /// The debits of a day, by kind.
    func debited(of publicID: Int64, day: Int64) throws(DatabaseError) -> [KeyLimit: Int64] {
        let statement = try database.prepare(
            "SELECT kind, debited FROM quotas WHERE public_id = ?1 AND day = ?2")
        try statement.bind([.integer(publicID), .integer(day)])
        var found: [KeyLimit: Int64] = [:]
        while try statement.step() {
            if let kind = KeyLimit(rawValue: UInt8(clamping: statement.integer(0))) {
                found[kind] = statement.integer(1)
            }
        }
        return found
    }

    /// Removes debits of days before yesterday.
    func removeOld(now: Int64) throws(DatabaseError) {
        try database.prepare("DELETE FROM quotas WHERE day < ?1").run(.integer(now / Self.secondsADay - 1))
    }

    private func balance(of debit: QuotaDebit) throws(DatabaseError) -> (run: Int64, base: Int64, debited: Int64)? {
        let statement = try database.prepare(
            "SELECT run, base, debited FROM quotas WHERE public_id = ?1 AND kind = ?2 AND day = ?3")
        try statement.bind([
            .integer(debit.publicID), .integer(Int64(debit.kind.rawValue)), .integer(debit.day),
        ])
        guard try statement.step() else { return nil }
        return (statement.integer(0), statement.integer(1), statement.integer(2))
    }
}
