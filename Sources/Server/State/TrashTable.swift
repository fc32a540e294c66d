import EventIO
import Hub

/// The table of deleted repositories that can still be restored.
struct TrashTable {
    let database: Database

    /// How many there may be.
    var most: Int64 = 100_000
    /// How long a repository's end stays known, in seconds.
    static let memory: Int64 = 86_400
    /// Three calls to the Hub take no longer, in seconds: a worker that recorded a move longer ago has given it up.
    static let longestMove: Int64 = 600
    /// When a repository that was not moved is looked at once more, in seconds: no Hub carries a call out later than that.
    static let lastLook: Int64 = 600
    /// How long there is to choose another name after a failed restore, in seconds.
    static let secondChance: Int64 = 3600

    private static let columns = """
        kind, id, trash_name, serial, was_private, credential, deleted_by, request_id, deleted, expires, status, wanted, \
        restore_as, ordered_by, attempts, next_attempt, trouble
        """

    /// `live`: the present senders; nil while some have not said hello yet.
    func carryOut(
        _ request: TrashRequest?, by sender: Int64, now: Int64, live: Set<Int64>?
    ) throws(DatabaseError) -> TrashAnswer {
        switch request {
        case .begin(let record): return try begin(record, by: sender)
        case .settle(let trashName, let outcome, let by):
            try settle(trashName, outcome, by: by, now: now)
            return .done
        case .work: return .work(try work(now: now, live: live))
        case nil: return .done
        }
    }

    // MARK: reading

    /// How many repositories need something to be done.
    func count() throws(DatabaseError) -> Int64 {
        try database.integer("SELECT count(*) FROM trash WHERE ended IS NULL") ?? 0
    }

    /// How many repositories are listed.
    func listedCount() throws(DatabaseError) -> Int64 {
        try database.integer("SELECT count(*) FROM trash WHERE \(Self.listed)") ?? 0
    }

    private static let listed = "ended IS NULL AND status <> \(TrashRecord.Status.undone.rawValue)"

    func find(_ trashName: String) throws(DatabaseError) -> TrashRecord? {
        try records("WHERE trash_name = ?1", [.text(trashName)]).first
    }

    /// Repositories in the trash that had this name, whatever its case, the newest first. `kind`: nil for every kind.
    func find(_ id: RepoID, _ kind: RepoKind?) throws(DatabaseError) -> [TrashRecord] {
        try records(
            "WHERE \(Self.listed) AND lower(id) = lower(?1) AND (?2 IS NULL OR kind = ?2) ORDER BY deleted DESC, trash_name",
            [.text(id.text), .init(kind?.apiName)])
    }

    /// A page of the list, the newest first.
    func page(skip: Int64, limit: Int64) throws(DatabaseError) -> [TrashRecord] {
        try records(
            "WHERE \(Self.listed) ORDER BY deleted DESC, trash_name LIMIT ?2 OFFSET ?1",
            [.integer(skip), .integer(limit)])
    }

    /// What is to be done now: orders first, then the longest overdue looks and deletes.
    func work(now: Int64, live: Set<Int64>?) throws(DatabaseError) -> [TrashRecord] {
        try release(now: now, live: live)
        return try records(
            """
            WHERE ended IS NULL AND next_attempt <= ?1
                AND (status IN (?2, ?5) OR status = ?3 AND (wanted IS NOT NULL OR expires <= ?1))
            ORDER BY wanted IS NULL, next_attempt, expires LIMIT ?4
            """,
            [
                .integer(now), .integer(TrashRecord.Status.unclear.rawValue),
                .integer(TrashRecord.Status.kept.rawValue), .integer(Int64(TrashAnswer.mostWork)),
                .integer(TrashRecord.Status.undone.rawValue),
            ])
    }

    /// A worker that ended during a move has left it unclear.
    private func release(now: Int64, live: Set<Int64>?) throws(DatabaseError) {
        let moving = TrashRecord.Status.moving.rawValue
        let statement = try database.prepare("SELECT trash_name, sender, deleted FROM trash WHERE status = ?1")
        try statement.bind([.integer(moving)])
        var left: [String] = []
        while try statement.step() {
            let isGone = live.map { !$0.contains(statement.integer(1)) } ?? false
            if isGone || statement.integer(2) <= now - Self.longestMove { left.append(statement.text(0)) }
        }
        for name in left { try set(.unclear, name) }
    }

    private func records(_ rest: String, _ values: [Statement.Value]) throws(DatabaseError) -> [TrashRecord] {
        let statement = try database.prepare("SELECT \(Self.columns) FROM trash \(rest)")
        try statement.bind(values)
        var records: [TrashRecord] = []
        while try statement.step() {
            if let record = TrashRecord(row: statement) { records.append(record) }
        }
        return records
    }

    // MARK: changing

    private func begin(_ record: TrashRecord, by sender: Int64) throws(DatabaseError) -> TrashAnswer {
        // The request is repeated after a state process that died before it answered.
        if try find(record.trashName) != nil { return .done }
        let other = try records(
            "WHERE status <= ?3 AND kind = ?1 AND lower(id) = lower(?2) LIMIT 1",
            [
                .text(record.kind.apiName), .text(record.id.text), .integer(TrashRecord.Status.unclear.rawValue),
            ])
        guard other.isEmpty else { return .underWay }
        guard try count() < most else { return .full }
        try database.prepare(
            """
            INSERT INTO trash (kind, id, trash_name, serial, was_private, credential, deleted_by, request_id, deleted, expires, status, sender)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """
        ).run(
            .text(record.kind.apiName), .text(record.id.text), .text(record.trashName), .init(record.serial),
            .init(record.wasPrivate.map { $0 ? 1 : 0 }), .init(record.credential), .text(record.deletedBy),
            .text(record.requestID), .integer(record.deleted), .integer(record.expires),
            .integer(record.status.rawValue), .integer(sender))
        return .done
    }

    /// Gives an order for a repository in the trash. False: it is not there any more.
    func order(
        _ order: TrashRecord.Order, _ trashName: String, as target: RepoID? = nil, by: String
    ) throws(DatabaseError) -> Bool {
        try database.prepare(
            """
            UPDATE trash SET wanted = ?2, restore_as = ?3, ordered_by = ?4, attempts = 0, next_attempt = 0, trouble = NULL
            WHERE trash_name = ?1 AND ended IS NULL
            """
        ).run(.text(trashName), .integer(order.rawValue), .init(target?.text), .text(by))
        return database.changes > 0
    }

    private func settle(
        _ trashName: String, _ outcome: TrashOutcome, by: String, now: Int64
    ) throws(DatabaseError) {
        try database.prepare("DELETE FROM trash WHERE ended <= ?1").run(.integer(now - Self.memory))
        guard let record = try find(trashName), !record.status.isOver else { return }
        switch outcome {
        case .kept: try set(.kept, trashName)
        case .notMoved:
            guard record.status != .kept else { return }
            try database.prepare("DELETE FROM trash WHERE trash_name = ?1").run(.text(trashName))
        case .undone:
            try set(.undone, trashName, nextAttempt: now + Self.lastLook)
        case .later: try fail(record, nil, now: now)
        case .unclear where record.status != .moving: break
        case .unclear: try set(.unclear, trashName)
        case .restored(let note): try end(record, .restored, note, by: by, now: now)
        case .purged: try end(record, .purged, nil, by: by, now: now)
        case .lost(let reason): try end(record, .lost, reason, by: by, now: now)
        case .failed(let reason): try fail(record, reason, now: now)
        case .refused(let reason):
            try database.prepare(
                """
                UPDATE trash SET wanted = NULL, restore_as = NULL, attempts = 0, next_attempt = 0, trouble = ?2,
                    expires = max(expires, ?3) WHERE trash_name = ?1
                """
            ).run(.text(trashName), .text(reason), .integer(now + Self.secondChance))
        }
    }

    private func set(
        _ status: TrashRecord.Status, _ trashName: String, nextAttempt: Int64 = 0
    ) throws(DatabaseError) {
        try database.prepare(
            "UPDATE trash SET status = ?2, attempts = 0, next_attempt = ?3, trouble = NULL WHERE trash_name = ?1"
        ).run(.text(trashName), .integer(status.rawValue), .integer(nextAttempt))
    }

    private func fail(_ record: TrashRecord, _ reason: String?, now: Int64) throws(DatabaseError) {
        try database.prepare(
            "UPDATE trash SET attempts = attempts + 1, next_attempt = ?2, trouble = ?3 WHERE trash_name = ?1"
        ).run(
            .text(record.trashName), .integer(now + TrashRecord.pause(after: record.attempts + 1)), .init(reason))
    }

    /// The end is noted for the audit, in the same transaction.
    private func end(
        _ record: TrashRecord, _ status: TrashRecord.Status, _ note: String?, by: String, now: Int64
    ) throws(DatabaseError) {
        try database.prepare("UPDATE trash SET status = ?2, trouble = ?3, ended = ?4 WHERE trash_name = ?1").run(
            .text(record.trashName), .integer(status.rawValue), .init(note), .integer(now))
        try AuditTables(database: database).insert(.trashEvent(status, record, note: note, by: by))
    }
}

extension TrashRecord {
    /// The present row of a statement that selects `TrashTable.columns`; nil for values that this program cannot have written.
    fileprivate init?(row: Statement) {
        guard let kind = RepoKind(rawValue: row.text(0)), let id = try? RepoID(row.text(1)), id.namespace != nil,
            let status = Status(rawValue: row.integer(10))
        else { return nil }
        self.init(
            kind: kind, id: id, trashName: row.text(2), serial: row.optionalText(3),
            wasPrivate: row.optionalInteger(4).map { $0 != 0 }, credential: row.optionalText(5),
            deletedBy: row.text(6), requestID: row.text(7), deleted: row.integer(8), expires: row.integer(9))
        self.status = status
        order = row.optionalInteger(11).flatMap(Order.init(rawValue:))
        restoreAs = row.optionalText(12).flatMap { try? RepoID($0) }
        orderedBy = row.optionalText(13)
        (attempts, nextAttempt, trouble) = (row.integer(14), row.integer(15), row.optionalText(16))
    }
}

extension AuditRecord {
    /// The end of a repository in the trash, for the audit: `by` is the operator who ordered it, or the reason.
    static func trashEvent(
        _ status: TrashRecord.Status, _ repo: TrashRecord, note: String?, by: String
    ) -> AuditRecord {
        var record = AuditRecord(.trash)
        let event =
            switch status {
            case .restored: "restore"
            case .purged: "purge"
            default: status.word
            }
        record.set(.event, event)
        record.set(.action, status == .purged ? HubAction.delete.name : HubAction.move.name)
        record.set(.resource, "\(repo.kind.apiName):\(repo.trashID?.text ?? repo.trashName)")
        record.set(.newName, "\(repo.kind.apiName):\((status == .restored ? repo.target : repo.id).text)")
        record.set(.by, by)
        record.set(.detail, note)
        return record
    }
}
