import EventIO

/// Messages between the state process and its users: one message a packet.
///
/// A worker sends `hello` when it begins, and each time that it receives `started`; it is sent all keys, then each change. Its records have
/// increasing numbers; `done` and `refused` are for all records up to the number that they name. Records without either are sent again to a
/// restarted state process, which carries none out twice.
enum StateMessage: Equatable {
    // To the state process.
    case hello(sender: Int64)
    case append(sender: Int64, sequence: Int64, StateRecord)
    /// The gateway ends, and no worker is left that could send anything.
    case stop
    /// From the parent: which keys logins may make from here on.
    case bounds(LoginBounds)
    /// From the parent at the end: how much of their debits keys have spent.
    case spent([QuotaDebit])

    // From it.
    case started
    /// These records are on the disk.
    case done(sender: Int64, sequence: Int64)
    /// The answer to a record that asks something; `done` for it follows. At most `StateRecord.longest` bytes.
    case answer(sender: Int64, sequence: Int64, [UInt8])
    /// These records are lost.
    case refused(sender: Int64, sequence: Int64, reason: String)
    /// `isFirst`: all keys follow, and those known before are to be dropped. `isLast`: these are the last, for now.
    case keys(sender: Int64, isFirst: Bool, isLast: Bool, [KeyRecord])
    /// Why the database cannot be read or written at present; empty when it can again.
    case trouble(String)
    /// An administrator has cancelled the request with this id: the worker that serves it ends it.
    case cancel(requestID: String)
}

/// A record for the state process to carry out.
struct StateRecord: Equatable, Sendable {
    enum Kind: UInt8, Sendable {
        /// How often keys were used; written by `KeyUses`.
        case keyUses = 1
        /// `AuditRecord`; it is on the disk when `done` comes.
        case audit = 32
        /// A login; written by `LoginOrder`.
        case login = 48
        /// An administrator's order; written by `AdminOrder`.
        case admin = 64
        case adminRead = 65
        /// `IdempotencyClaim`, which asks for an `IdempotencyAnswer`.
        case idempotencyClaim = 20
        /// `IdempotencyEnd`.
        case idempotencyEnd = 21
        /// What keys in shadow mode did; written by `ObservedUses`.
        case observedUses = 22
        /// `TrashRequest`, which asks for a `TrashAnswer`.
        case trash = 24
        /// The usage of keys; written by `UsageReport`.
        case usage = 40
        /// `QuotaDebit`, which asks for a `QuotaBalance`.
        case quotaDebit = 41
    }

    let kind: Kind
    let payload: [UInt8]

    /// The longest payload, in bytes: a message has room for it and its own fields.
    static let longest = 60 * 1024
}

extension StateMessage {
    private enum Tag: UInt8 {
        case hello, append, stop, started, done, refused, keys, trouble, answer
        case bounds = 64
        case spent = 80
        case cancel
    }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        func put(_ tag: Tag) { writer.put(tag.rawValue) }
        switch self {
        case .hello(let sender):
            put(.hello)
            writer.put(sender)
        case .append(let sender, let sequence, let record):
            put(.append)
            writer.put(sender)
            writer.put(sequence)
            writer.put(record.kind.rawValue)
            writer.put(record.payload)
        case .stop: put(.stop)
        case .bounds(let bounds):
            put(.bounds)
            bounds.put(into: &writer)
        case .spent(let debits):
            put(.spent)
            for debit in debits { debit.put(into: &writer) }
        case .started: put(.started)
        case .done(let sender, let sequence):
            put(.done)
            writer.put(sender)
            writer.put(sequence)
        case .answer(let sender, let sequence, let payload):
            put(.answer)
            writer.put(sender)
            writer.put(sequence)
            writer.put(payload)
        case .refused(let sender, let sequence, let reason):
            put(.refused)
            writer.put(sender)
            writer.put(sequence)
            writer.put(reason)
        case .keys(let sender, let isFirst, let isLast, let records):
            put(.keys)
            writer.put(sender)
            writer.put(UInt8((isFirst ? 1 : 0) | (isLast ? 2 : 0)))
            for record in records { record.put(into: &writer) }
        case .trouble(let reason):
            put(.trouble)
            writer.put(reason)
        case .cancel(let requestID):
            put(.cancel)
            writer.put(requestID)
        }
        return writer.bytes
    }

    /// Nil for bytes that `bytes` cannot have made.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) else { return nil }
        switch tag {
        case .stop: self = .stop
        case .bounds:
            guard let bounds = LoginBounds(from: &reader) else { return nil }
            self = .bounds(bounds)
        case .spent:
            var debits: [QuotaDebit] = []
            while !reader.isAtEnd {
                guard let debit = QuotaDebit(from: &reader) else { return nil }
                debits.append(debit)
            }
            self = .spent(debits)
        case .started: self = .started
        case .trouble:
            guard let reason = reader.text() else { return nil }
            self = .trouble(reason)
        case .cancel:
            guard let requestID = reader.text() else { return nil }
            self = .cancel(requestID: requestID)
        case .hello, .append, .done, .refused, .keys, .answer:
            guard let sender = reader.number(Int64.self),
                let message = StateMessage(tag, sender: sender, &reader)
            else { return nil }
            self = message
        }
    }

    private init?(_ tag: Tag, sender: Int64, _ reader: inout ByteReader) {
        switch tag {
        case .hello: self = .hello(sender: sender)
        case .keys:
            guard let flags = reader.number(UInt8.self) else { return nil }
            var records: [KeyRecord] = []
            while !reader.isAtEnd {
                guard let record = KeyRecord(from: &reader) else { return nil }
                records.append(record)
            }
            self = .keys(sender: sender, isFirst: flags & 1 != 0, isLast: flags & 2 != 0, records)
        default:
            guard let sequence = reader.number(Int64.self) else { return nil }
            switch tag {
            case .done: self = .done(sender: sender, sequence: sequence)
            case .answer:
                guard let payload = reader.blob() else { return nil }
                self = .answer(sender: sender, sequence: sequence, payload)
            case .refused:
                guard let reason = reader.text() else { return nil }
                self = .refused(sender: sender, sequence: sequence, reason: reason)
            case .append:
                guard let kind = reader.number(UInt8.self).flatMap(StateRecord.Kind.init(rawValue:)),
                    let payload = reader.blob()
                else { return nil }
                self = .append(sender: sender, sequence: sequence, StateRecord(kind: kind, payload: payload))
            default: return nil
            }
        }
    }
}

extension StateMessage {
    /// Whether one message has room for these keys.
    static func fits(_ records: [KeyRecord]) -> Bool {
        keys(sender: 0, isFirst: false, isLast: false, records).bytes.count <= PacketSocket.longest
    }
}

extension KeyRecord {
    /// Enough of it to refuse the key, and no more.
    var asRevoked: KeyRecord {
        KeyRecord(
            number: number, name: "", publicID: publicID, secretHash: Array(secretHash.prefix(32)), grant: KeyGrant(),
            created: 0, revoked: revoked ?? 0, change: change)
    }

    /// The fields that a worker needs: not the note, nor when it was made.
    fileprivate func put(into writer: inout ByteWriter) {
        writer.put(number)
        writer.put(name)
        writer.put(publicID)
        writer.put(secretHash)
        writer.put(previous) {
            $0.put($1.secretHash)
            $0.put($1.until)
        }
        writer.put(grant.role) { $0.put($1) }
        writer.put(grant.allow)
        writer.put(grant.deny)
        writer.put(grant.credential) { $0.put($1) }
        writer.put(grant.rate) { $0.put($1) }
        writer.put(grant.policy) { $0.put($1) }
        writer.put(grant.limits) { $0.put($1) }
        writer.put(expires) { $0.put($1) }
        writer.put(revoked) { $0.put($1) }
        writer.put(change)
    }

    fileprivate init?(from reader: inout ByteReader) {
        guard let number = reader.number(Int64.self), let name = reader.text(),
            let publicID = reader.number(Int64.self), let secretHash = reader.blob(),
            let previous = reader.optional({ (reader) -> Previous? in
                guard let hash = reader.blob(), let until = reader.number(Int64.self) else { return nil }
                return Previous(secretHash: hash, until: until)
            }),
            let role = reader.optional({ $0.text() }), let allow = reader.texts(), let deny = reader.texts(),
            let credential = reader.optional({ $0.text() }), let rate = reader.optional({ $0.text() }),
            let policy = reader.optional({ $0.text() }), let limits = reader.optional({ $0.text() }),
            let expires = reader.optional({ $0.number(Int64.self) }),
            let revoked = reader.optional({ $0.number(Int64.self) }), let change = reader.number(Int64.self)
        else { return nil }
        self.init(
            number: number, name: name, publicID: publicID, secretHash: secretHash, previous: previous,
            grant: KeyGrant(
                role: role, allow: allow, deny: deny, credential: credential, rate: rate, policy: policy, limits: limits
            ),
            created: 0,
            expires: expires, revoked: revoked, change: change)
    }
}
