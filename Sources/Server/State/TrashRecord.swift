import EventIO
import Hub

/// A repository that was deleted and can still be restored: where it is, and what is to become of it.
struct TrashRecord: Equatable, Sendable {
    /// The numbers are in the database.
    enum Status: Int64, Sendable {
        /// It is noted that it will be moved; the worker that noted it is about to.
        case moving
        /// It is unknown whether it was moved: the Hub has to be looked at.
        case unclear
        /// It is in the trash.
        case kept
        case restored
        /// Deleted for good.
        case purged
        /// It is not where it was put, nor where it came from: somebody else has moved or deleted it.
        case lost
        /// It was not moved, as far as the Hub says. A call that was given up may yet be carried out there: it is looked at once more.
        case undone

        /// As the command line says it.
        var word: String { "\(self)" }
        /// Whether nothing more will become of it.
        var isOver: Bool { self == .restored || self == .purged || self == .lost }
    }

    /// What the operator wants of it.
    enum Order: Int64, Sendable {
        case restore, purge

        var word: String { "\(self)" }
    }

    let kind: RepoKind
    /// Its name before, with its owner.
    let id: RepoID
    /// Its name in the trash, without the owner, which stays.
    let trashName: String
    /// The Hub's `_id` of it; nil where the Hub has not said.
    let serial: String?
    /// Nil: the Hub has not said.
    let wasPrivate: Bool?
    /// The name of the credential that it was deleted with; nil: the gateway's own token.
    let credential: String?
    /// The name of the key.
    let deletedBy: String
    let requestID: String
    /// Seconds since 1970.
    let deleted: Int64
    /// When it is deleted for good, in seconds since 1970.
    var expires: Int64
    var status = Status.moving
    var order: Order?
    /// As what it is to be restored; nil: under its name before.
    var restoreAs: RepoID?
    /// Who gave the order.
    var orderedBy: String?
    /// How often something was tried and failed, since the last success or order.
    var attempts: Int64 = 0
    /// Not before this, in seconds since 1970.
    var nextAttempt: Int64 = 0
    /// Why the last attempt failed, as a sentence without a full stop.
    var trouble: String?

    /// What it is in the trash.
    var trashID: RepoID? { try? RepoID(namespace: id.namespace, name: trashName) }
    /// What it is to be restored as.
    var target: RepoID { restoreAs ?? id }
    /// `model:acme/x`
    var resource: String { "\(kind.apiName):\(id.text)" }

    /// How long is waited after so many failures, in seconds: from two to an hour.
    static func pause(after attempts: Int64) -> Int64 {
        min(3600, 1 << max(1, min(attempts, 12)))
    }

    /// The longest text of what failed, in bytes.
    static let longestTrouble = 500
}

extension TrashRecord {
    func put(into writer: inout ByteWriter) {
        writer.put(kind.apiName)
        writer.put(id.text)
        writer.put(trashName)
        writer.put(serial) { $0.put($1) }
        writer.put(wasPrivate) { $0.put(UInt8($1 ? 1 : 0)) }
        writer.put(credential) { $0.put($1) }
        writer.put(deletedBy)
        writer.put(requestID)
        writer.put(deleted)
        writer.put(expires)
        writer.put(status.rawValue)
        writer.put(order) { $0.put($1.rawValue) }
        writer.put(restoreAs) { $0.put($1.text) }
        writer.put(orderedBy) { $0.put($1) }
        writer.put(attempts)
        writer.put(nextAttempt)
        writer.put(trouble) { $0.put($1) }
    }

    /// Nil for what `put` cannot have made.
    init?(from reader: inout ByteReader) {
        guard let kind = reader.text().flatMap(RepoKind.init(rawValue:)),
            let id = reader.text().flatMap({ try? RepoID($0) }), id.namespace != nil,
            let trashName = reader.text(), TrashName.isReserved(trashName), (try? RepoID(trashName)) != nil,
            let serial = reader.optional({ $0.text() }),
            let wasPrivate = reader.optional({ $0.number(UInt8.self).map { $0 != 0 } }),
            let credential = reader.optional({ $0.text() }), let deletedBy = reader.text(),
            let requestID = reader.text(), let deleted = reader.number(Int64.self),
            let expires = reader.number(Int64.self)
        else { return nil }
        self.init(
            kind: kind, id: id, trashName: trashName, serial: serial, wasPrivate: wasPrivate, credential: credential,
            deletedBy: deletedBy, requestID: requestID, deleted: deleted, expires: expires)
        guard let status = reader.number(Int64.self).flatMap(Status.init(rawValue:)),
            let order = reader.optional({ $0.number(Int64.self).flatMap(Order.init(rawValue:)) }),
            let restoreAs = reader.optional({ $0.text().flatMap { try? RepoID($0) } }),
            let orderedBy = reader.optional({ $0.text() }), let attempts = reader.number(Int64.self),
            let nextAttempt = reader.number(Int64.self), let trouble = reader.optional({ $0.text() })
        else { return nil }
        (self.status, self.order, self.restoreAs, self.orderedBy) = (status, order, restoreAs, orderedBy)
        (self.attempts, self.nextAttempt, self.trouble) = (attempts, nextAttempt, trouble)
    }
}
