import Glibc
import HTTP

/// The one writer of what the gateway notes while it runs, over one connection. It waits for the disk: only the state process has one.
final class StateWriter {
    /// A record that came, and who sent it.
    struct Entry {
        let sender: Int64
        let sequence: Int64
        let record: StateRecord
        /// Which line it came by: who speaks, whatever they say. 0: the parent's.
        var line = 0
    }

    /// What came of a record that asks something.
    struct Answer: Equatable {
        let sender: Int64
        let sequence: Int64
        let payload: [UInt8]
    }

    private let database: Database
    private let keys: KeyTable
    /// Of the audit.
    let audit: AuditTables
    /// What logins may make.
    var bounds = LoginBounds()
    /// Of sessions at the console; nil: there are none.
    var sessionKey: Secret?
    /// Of users' codes. Forgotten with this process.
    private var guesses = CodeGuesses()
    private let idempotency: IdempotencyTable
    private let observed: ObservedTable
    private let trash: TrashTable
    let purges: CachePurges
    private let quotas: QuotaTable
    private let usage: UsageTable
    /// How long what keys did is kept, in days.
    var usageDays: Int64 = 0
    private let file: FileIdentity?
    private var dataVersion: Int64 = -1
    /// The last record of each sender that was carried out.
    private var carriedOut: [Int64: Int64] = [:]

    /// How long a sender that is silent is remembered, in seconds.
    private static let memory: Int64 = 7 * 86_400
    /// How many senders are remembered: a worker that was taken over can be as many as it likes.
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

    /// Carries out all of them in one transaction: when it returns they are on the disk. Those that were carried out before are left out,
    /// and have no answer.
    ///
    /// Of too many senders those are forgotten that were silent for longest, and none that is in `present`. `live` are all that there are; nil
    /// where that is not known yet.
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

    /// The answer, where the record asks something.
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
        // It is in no table (`AuditJournal`).
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

    /// Writes what changes nothing. Throws where nothing can be written: to read a database it takes less.
    func tryWriting() throws(DatabaseError) {
        try database.transaction { () throws(DatabaseError) in
            try database.execute("UPDATE counters SET value = value WHERE name = 'change'")
        }
    }

    /// At the end: what keys have spent of what was debited for them.
    func settle(_ debits: [QuotaDebit]) throws(DatabaseError) {
        try database.transaction { () throws(DatabaseError) in try quotas.settle(debits) }
    }

    /// Removes what no limit and no setting asks to be kept.
    func removeOldUsage(now: Int64) throws(DatabaseError) {
        try database.transaction { () throws(DatabaseError) in
            try quotas.removeOld(now: now)
            try usage.removeOld(now: now, days: usageDays)
        }
    }

    /// What an administrator asks; of what is read, outside of a transaction, too.
    func carryOut(_ order: AdminOrder?, now: Int64) throws(DatabaseError) -> AdminAnswer {
        guard let order, let sessionKey else { return AdminAnswer(outcome: .malformed) }
        return try AdminActs(database: database, sessionKey: sessionKey, now: now).carryOut(order)
    }

    /// Removes what logins have made and is long over. Whether there was any: then who knows the keys has to forget some.
    func removeExpiredLogins(now: Int64) throws(DatabaseError) -> Bool {
        try LoginKeys(database: database).removeExpired(now: now) > 0
    }

    /// Whether another process, such as the command line, has written since this was asked last.
    func othersHaveWritten() throws(DatabaseError) -> Bool {
        let version = try database.dataVersion
        defer { dataVersion = version }
        return version != dataVersion
    }

    /// Whether the file has another in its place, such as a restored backup.
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

/// Which file a path leads to.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let node: UInt64

    /// Nil where nothing is.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        (device, node) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
