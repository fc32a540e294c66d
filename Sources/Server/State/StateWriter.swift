import Glibc

/// The one writer of what the gateway notes while it runs, over one connection. It waits for the disk: only the state process has one.
final class StateWriter {
    /// A record that came, and who sent it.
    struct Entry {
        let sender: Int64
        let sequence: Int64
        let record: StateRecord
    }

    /// What came of a record that asks something.
    struct Answer: Equatable {
        let sender: Int64
        let sequence: Int64
        let payload: [UInt8]
    }

    private let database: Database
    private let keys: KeyTable
    private let idempotency: IdempotencyTable
    private let observed: ObservedTable
    private let file: FileIdentity?
    private var dataVersion: Int64 = -1
    /// The last record of each sender that was carried out.
    private var carriedOut: [Int64: Int64] = [:]

    /// How long a sender that is silent is remembered, in seconds.
    private static let memory: Int64 = 7 * 86_400

    init(_ directory: StateDirectory) throws(DatabaseError) {
        database = try directory.open()
        keys = KeyTable(database: database)
        idempotency = IdempotencyTable(database: database)
        observed = ObservedTable(database: database)
        file = FileIdentity(directory.databasePath)
        let statement = try database.prepare("SELECT sender, sequence FROM senders")
        while try statement.step() { carriedOut[statement.integer(0)] = statement.integer(1) }
    }

    /// Carries out all of them in one transaction: when it returns they are on the disk. Those that were carried out before are left out,
    /// and have no answer. `live` are the senders that there are; nil where that is not known.
    @discardableResult
    func carryOut(_ entries: [Entry], now: Int64, live: Set<Int64>? = nil) throws(DatabaseError) -> [Answer] {
        var latest = carriedOut
        var answers: [Answer] = []
        try database.transaction { () throws(DatabaseError) in
            for entry in entries where entry.sequence > latest[entry.sender] ?? 0 {
                if let payload = try carryOut(entry, now: now, live: live) {
                    answers.append(Answer(sender: entry.sender, sequence: entry.sequence, payload: payload))
                }
                latest[entry.sender] = entry.sequence
            }
            let note = try database.prepare("INSERT OR REPLACE INTO senders VALUES (?1, ?2, ?3)")
            for sender in Set(entries.map(\.sender)) {
                try note.run(.integer(sender), .integer(latest[sender] ?? 0), .integer(now))
            }
            try database.prepare("DELETE FROM senders WHERE seen < ?1").run(.integer(now - Self.memory))
        }
        carriedOut = latest
        return answers
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
        }
    }

    /// Whether somebody else, such as the command line, has written since this was asked last.
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
