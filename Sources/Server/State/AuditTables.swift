import EventIO
import Glibc

/// The audit's part of the database: its last line, by which a cut end is found, and events of keys, until they are in the audit.
struct AuditTables {
    let database: Database

    /// The last line of the audit.
    struct Head: Equatable, Sendable {
        var number: Int64 = 0
        /// SHA-256 of the line; zeros before the first one.
        var hash = [UInt8](repeating: 0, count: 32)
        /// The name of the file that has it.
        var file = ""
    }

    struct Event: Equatable, Sendable {
        let number: Int64
        /// A random number of its own, by which it is recognised in the audit if it is found here again.
        let sender: Int64
        let record: AuditRecord
    }

    /// Nil: there has been no audit.
    func head() throws(DatabaseError) -> Head? {
        let statement = try database.prepare("SELECT number, hash, file FROM audit_head")
        guard try statement.step() else { return nil }
        return Head(number: statement.integer(0), hash: statement.blob(1), file: statement.text(2))
    }

    func set(_ head: Head) throws(DatabaseError) {
        try database.prepare("INSERT OR REPLACE INTO audit_head VALUES (1, ?1, ?2, ?3)").run(
            .integer(head.number), .blob(head.hash), .text(head.file))
    }

    /// Notes an event of a key, in the transaction of the change. The state process writes it into the audit soon, or when a gateway
    /// with an audit next runs here.
    func insert(_ event: AuditRecord) throws(DatabaseError) {
        try database.prepare("INSERT INTO audit_events (sender, record) VALUES (?1, ?2)").run(
            .integer(Int64.random(in: 1...Int64.max)), .blob(event.bytes))
    }

    /// The oldest events that wait.
    func events(limit: Int) throws(DatabaseError) -> [Event] {
        let statement = try database.prepare(
            "SELECT number, sender, record FROM audit_events ORDER BY number LIMIT \(limit)")
        var events: [Event] = []
        while try statement.step() {
            guard let record = AuditRecord(statement.blob(2)) else { continue }
            events.append(Event(number: statement.integer(0), sender: statement.integer(1), record: record))
        }
        return events
    }

    /// Removes events that are in the audit, up to this one.
    func removeEvents(upTo number: Int64) throws(DatabaseError) {
        try database.prepare("DELETE FROM audit_events WHERE number <= ?1").run(.integer(number))
    }
}

extension AuditRecord {
    /// An event of a key: `event` is create, edit, rotate, revoke or another word. `key` is the key after it; `by` is
    /// the actor; nil: the user of this process.
    static func keyEvent(
        _ event: String, _ key: KeyRecord, id: String, by: String? = nil, requestID: String? = nil
    ) -> AuditRecord {
        var record = AuditRecord(.keyEvent)
        record.set(.requestID, requestID)
        record.set(.event, event)
        record.set(.key, key.name)
        record.set(.keyID, id)
        record.set(.role, key.grant.role)
        record.set(.allow, list: key.grant.allow)
        record.set(.deny, list: key.grant.deny)
        record.set(.credential, key.grant.credential)
        record.set(.rate, key.grant.rate)
        record.set(.policy, key.grant.policy)
        record.set(.expires, key.expires.map { WallClock.iso8601($0) })
        record.set(.by, by ?? "uid \(getuid())")
        return record
    }
}
