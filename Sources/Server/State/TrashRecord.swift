import EventIO
import Hub

/// A deleted repository that can still be restored: where it is, and what is to be done with it.
struct TrashRecord: Equatable, Sendable {
    /// The numbers are in the database.
    enum Status: Int64, Sendable {
        /// The move was recorded; the worker that recorded it is about to make it.
        case moving
        /// It is unknown whether it was moved: the Hub has to be asked.
        case unclear
        /// It is in the trash.
        case kept
        case restored
        /// Deleted for good.
        case purged
        /// It is neither where it was put nor where it came from: it was moved or deleted outside of the gateway.
        case lost
        /// By the Hub it was not moved. A call that was given up may still be carried out there: the Hub is asked once more.
        case undone

        /// Its name on the command line.
        var word: String { "\(self)" }
        /// Whether nothing is left to be done.
        var isOver: Bool { self == .restored || self == .purged || self == .lost }
    }

    /// The operator's order.
    enum Order: Int64, Sendable {
        case restore, purge

        var word: String { "\(self)" }
    }

    let kind: RepoKind
    /// Its name before, with its owner.
    let id: RepoID
    /// Its name in the trash, without the owner, which does not change.
    let trashName: String
    /// The Hub's `_id`; nil where the Hub has not said it.
    let serial: String?
    /// Nil: the Hub has not said.
    let wasPrivate: Bool?
    /// The name of the credential that it was deleted with; nil: the gateway's own token.
    let credential: String?
    /// The name of the key that deleted it.
    let deletedBy: String
    let requestID: String
    /// Seconds since 1970.
    let deleted: Int64
    /// When it is deleted for good, in seconds since 1970.
    var expires: Int64
    var status = Status.moving
    var order: Order?
    /// The name to be restored under; nil: its name before.
    var restoreAs: RepoID?
    /// The operator who gave the order.
    var orderedBy: String?
    /// How many attempts have failed since the last success or order.
    var attempts: Int64 = 0
    /// When the next attempt may be made, in seconds since 1970.
    var nextAttempt: Int64 = 0
    /// Why the last attempt failed, as a sentence without a full stop.
    var trouble: String?

    /// Its full name in the trash.
    var trashID: RepoID? { try? RepoID(namespace: id.namespace, name: trashName) }
    /// The name that it is to be restored under.
    var target: RepoID { restoreAs ?? id }
    /// `model:acme/x`
    var resource: String { "\(kind.apiName):\(id.text)" }

    /// The wait after so many failures, in seconds: from two to an hour.
    static func pause(after attempts: Int64) -> Int64 {
        min(3600, 1 << max(1, min(attempts, 12)))
    }

    /// The longest text about a failure, in bytes.
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

    /// Nil for bytes that `put` cannot have made.
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
