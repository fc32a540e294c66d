import Glibc
import HTTP

/// The one writer of the running gateway's records, over one connection. It waits for the disk: only the state process has one.
final class StateWriter {
    /// A record that came, and its sender.
    struct Entry {
        let sender: Int64
        let sequence: Int64
        let record: StateRecord
        /// The line that it came by, which shows the real sender. 0: the parent's.
        var line = 0
    }

    /// The answer to a record that asks something.
    struct Answer: Equatable {
        let sender: Int64
        let sequence: Int64
        let payload: [UInt8]
    }

    private let database: Database
    private let keys: KeyTable
    /// The audit's tables.
    let audit: AuditTables
    /// Which keys logins may make.
    var bounds = LoginBounds()
    /// The key of sessions at the console; nil: there are none.
    var sessionKey: Secret?
    /// Guesses of users' codes. They end with this process.
    private var guesses = CodeGuesses()
    private let idempotency: IdempotencyTable
    private let observed: ObservedTable
    private let trash: TrashTable
    let purges: CachePurges
    private let quotas: QuotaTable
    private let usage: UsageTable
    /// How long the usage of keys is kept, in days.
    var usageDays: Int64 = 0
    private let file: FileIdentity?
    private var dataVersion: Int64 = -1
    /// The last record that was carried out, of each sender.
    private var carriedOut: [Int64: Int64] = [:]

    /// How long a silent sender is remembered, in seconds.
    private static let memory: Int64 = 7 * 86_400
    /// How many senders are remembered: a worker that was taken over can use any number of them.
    static let mostSenders = 1000

    init(_ directory: StateDirectory) throws(DatabaseError) {
        database = try directory.open()
        keys = KeyTable(database: database)
        audit = AuditTables(database: database)
        idempotency = IdempotencyTable(database: database)
        observed = ObservedTable(database: database)
        trash = TrashTable(database: database)
        purges = CachePurges(database: database)
        quotas = QuotaTable(database: database)
        usage = UsageTable(database: database)
        file = FileIdentity(directory.databasePath)
        let statement = try database.prepare("SELECT sender, sequence FROM senders")
        while try statement.step() { carriedOut[statement.integer(0)] = statement.integer(1) }
    }

    /// Carries out all of them in one transaction: when it returns they are on the disk. Records that were carried out before are left out,
    /// and have no answer.
    ///
    /// If there are too many senders, those that were silent for longest are forgotten, but none in `present`. `live`: all present senders; nil
    /// where they are not known yet.
    @discardableResult
    func carryOut(
        _ entries: [Entry], now: Int64, present: Set<Int64> = [], live: Set<Int64>? = nil
    ) throws(DatabaseError) -> [Answer] {
        var latest = carriedOut
        var answers: [Answer] = []
        try database.transaction { () throws(DatabaseError) in
            for entry in entries where entry.sequence > latest[entry.sender] ?? 0 {
                if let payload = try carryOut(entry, now: now, live: live) {
                    answers.append(Answer(sender: entry.sender, sequence: entry.sequence, payload: payload))
                }
                // A question may be answered twice.
                if !TrashRequest.isQuestion(entry.record) { latest[entry.sender] = entry.sequence }
            }
            let noted = entries.filter { !TrashRequest.isQuestion($0.record) }
            guard !noted.isEmpty else { return }
            let note = try database.prepare("INSERT OR REPLACE INTO senders VALUES (?1, ?2, ?3)")
            for sender in Set(noted.map(\.sender)) {
                try note.run(.integer(sender), .integer(latest[sender] ?? 0), .integer(now))
            }
            try database.prepare("DELETE FROM senders WHERE seen < ?1").run(.integer(now - Self.memory))
            if latest.count > Self.mostSenders { latest = try forget(latest, but: present) }
        }
        carriedOut = latest
        return answers
    }

    private func forget(
        _ senders: [Int64: Int64], but present: Set<Int64>
    ) throws(DatabaseError) -> [Int64: Int64] {
        var left: [Int64: Int64] = [:]
        let statement = try database.prepare("SELECT sender FROM senders ORDER BY seen DESC")
        var gone: [Int64] = []
        while try statement.step() {
            let sender = statement.integer(0)
            if present.contains(sender) || left.count < Self.mostSenders - present.count {
                left[sender] = senders[sender]
            } else {
                gone.append(sender)
            }
        }
        let remove = try database.prepare("DELETE FROM senders WHERE sender = ?1")
        for sender in gone { try remove.run(.integer(sender)) }
        return left
    }

    /// Returns the answer, where the record asks something.
    private func carryOut(_ entry: Entry, now: Int64, live: Set<Int64>?) throws(DatabaseError) -> [UInt8]? {
        switch entry.record.kind {
        case .keyUses:
            for (number, use) in KeyUses(entry.record.payload)?.uses ?? [] { try keys.add(use, to: number) }
            return nil
        case .observedUses:
            if let uses = ObservedUses(entry.record.payload) { try observed.add(uses) }
            return nil
        case .idempotencyClaim:
            guard let claim = IdempotencyClaim(entry.record.payload) else { return nil }
            return try idempotency.claim(claim, by: entry.sender, now: now, live: live).bytes
        case .idempotencyEnd:
            if let end = IdempotencyEnd(entry.record.payload) { try idempotency.end(end) }
            return nil
        case .usage:
            if let report = UsageReport(entry.record.payload) { try usage.add(report, now: now) }
            return nil
        case .quotaDebit:
            guard let debit = QuotaDebit(entry.record.payload) else { return nil }
            return try quotas.debit(debit, now: now)?.bytes
        // The audit is in no table (`AuditJournal`).
        case .audit: return nil
        case .login: return try carryOut(LoginOrder(entry.record.payload), now: now).bytes
        case .trash:
            return try trash.carryOut(
                TrashRequest(entry.record.payload), by: entry.sender, now: now, live: live
            ).bytes
        case .admin, .adminRead: return try carryOut(AdminOrder(entry.record.payload), now: now).bytes
        }
    }

    private func carryOut(_ order: LoginOrder?, now: Int64) throws(DatabaseError) -> LoginAnswer {
        switch order {
        case .workload(let rule, let subject, let secret):
            try LoginKeys(database: database).make(secret, by: rule, subject: subject, bounds, now: now)
        case .deviceBegin(let hash, let address):
            bounds.device == nil ? .noRule : try DeviceLogins(database: database).begin(hash, from: address, now: now)
        case .devicePoll(let hash, let secret):
            try bounds.device.map { (device) throws(DatabaseError) in
                try DeviceLogins(database: database).poll(hash, secret, lifetime: device.lifetime, now: now)
            } ?? .noRule
        case .deviceDecide(let decision):
            try decision.carryOut(on: database, bounds.device, &guesses, now: now)
        case nil: .malformed
        }
    }

    /// A write that changes nothing. Throws where the database cannot be written: reading one takes less.
    func tryWriting() throws(DatabaseError) {
        try database.transaction { () throws(DatabaseError) in
            try database.execute("UPDATE counters SET value = value WHERE name = 'change'")
        }
    }

    /// At the end: how much of their debits keys have spent.
    func settle(_ debits: [QuotaDebit]) throws(DatabaseError) {
        try database.transaction { () throws(DatabaseError) in try quotas.settle(debits) }
    }

    /// Removes usage that no limit and no setting needs.
    func removeOldUsage(now: Int64) throws(DatabaseError) {
        try database.transaction { () throws(DatabaseError) in
            try quotas.removeOld(now: now)
            try usage.removeOld(now: now, days: usageDays)
        }
    }

    /// An administrator's order; one that only reads also outside of a transaction.
    func carryOut(_ order: AdminOrder?, now: Int64) throws(DatabaseError) -> AdminAnswer {
        guard let order, let sessionKey else { return AdminAnswer(outcome: .malformed) }
        return try AdminActs(database: database, sessionKey: sessionKey, now: now).carryOut(order)
    }

    /// Removes expired keys of logins. Returns whether there were any: then workers have to forget some.
    func removeExpiredLogins(now: Int64) throws(DatabaseError) -> Bool {
        try LoginKeys(database: database).removeExpired(now: now) > 0
    }

    /// Whether another process, such as the command line, has written since the last call.
    func othersHaveWritten() throws(DatabaseError) -> Bool {
        let version = try database.dataVersion
        defer { dataVersion = version }
        return version != dataVersion
    }

    /// Whether another file has taken its place, such as a restored backup.
    func isReplaced(in directory: StateDirectory) -> Bool {
        FileIdentity(directory.databasePath) != file
    }

    func changedKeys(after change: Int64, limit: Int) throws(DatabaseError) -> [KeyRecord] {
        try keys.changed(after: change, limit: limit)
    }

    func lastChange() throws(DatabaseError) -> Int64 { try keys.lastChange() }
    func liveKeys() throws(DatabaseError) -> Int64 { try keys.liveCount() }
    func shadowKeys() throws(DatabaseError) -> Int64 { try keys.shadowCount() }
    func trashedRepos() throws(DatabaseError) -> Int64 { try trash.count() }
}

/// The identity of the file that a path leads to.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let node: UInt64

    /// Nil where there is no file.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        (device, node) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
