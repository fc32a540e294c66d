import HTTP
import Hub

/// An administrator's order to the state process, through a worker. It carries proof of the administrator: a worker that was taken over can do
/// nothing in the name of an administrator who has not used it.
struct AdminOrder: Equatable, Sendable {
    /// By which the state process knows the administrator.
    enum Proof: Equatable, Sendable {
        /// A key's public id and its secret, which is not stored.
        case key(Int64, secret: [UInt8])
        /// The token of a session (`AdminSession`).
        case session(String)
    }

    enum Act: UInt8, CaseIterable, Sendable {
        // Reads.
        case who = 1, keys, key, auditPiece, status, usage, keyNames
        // Changes, and acts for the audit.
        case signIn = 64, createKey, editKey, rotateKey, revokeKey, cancel, note

        /// Whether it is carried out without a transaction, and changes nothing.
        var isRead: Bool { rawValue < Act.signIn.rawValue }
    }

    let proof: Proof
    /// The administrator's address.
    let address: String
    let act: Act
    /// An object; its members depend on the act.
    let arguments: JSON

    static let limits = JSONLimits(bytes: StateRecord.longest, depth: 4, values: 1024)
}

/// The state process's answer to an order.
struct AdminAnswer: Equatable, Sendable {
    enum Outcome: UInt8, Sendable {
        case done = 1
        /// The key or the session is not valid, or not an administrator's.
        case noAdministrator
        case notThere
        /// Another live key has the name.
        case nameTaken
        /// The key would have nothing that allows.
        case useless
        /// The key is revoked, and stays so.
        case revoked
        /// The gateway's own code does not send such an order.
        case malformed
        /// The database or the audit cannot be read.
        case unavailable
    }

    var outcome: Outcome
    /// JSON, except for a piece of the audit or of usage.
    var body: [UInt8] = []

    static func done(_ json: JSON) -> AdminAnswer {
        // No number in it is one that JSON cannot express.
        AdminAnswer(outcome: .done, body: (try? json.encoded()) ?? [])
    }

    var bytes: [UInt8] { [outcome.rawValue] + body }

    init(outcome: Outcome, body: [UInt8] = []) {
        self.outcome = outcome
        self.body = body
    }

    /// Nil for bytes that `bytes` cannot have made.
    init?(_ bytes: [UInt8]) {
        guard let outcome = bytes.first.flatMap(Outcome.init(rawValue:)) else { return nil }
        self.init(outcome: outcome, body: Array(bytes.dropFirst()))
    }
}

extension AdminOrder {
    /// Nil where it is longer than a record may be.
    var record: StateRecord? {
        var writer = ByteWriter()
        switch proof {
        case .key(let publicID, let secret):
            writer.put(UInt8(1))
            writer.put(publicID)
            writer.put(secret)
        case .session(let token):
            writer.put(UInt8(2))
            writer.put(token)
        }
        writer.put(address)
        writer.put(act.rawValue)
        guard let text = try? arguments.encoded() else { return nil }
        writer.put(text)
        guard writer.bytes.count <= StateRecord.longest else { return nil }
        return StateRecord(kind: act.isRead ? .adminRead : .admin, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        switch reader.number(UInt8.self) {
        case 1:
            guard let publicID = reader.number(Int64.self), let secret = reader.blob() else { return nil }
            proof = .key(publicID, secret: secret)
        case 2:
            guard let token = reader.text() else { return nil }
            proof = .session(token)
        default: return nil
        }
        guard let address = reader.text(), let act = reader.number(UInt8.self).flatMap(Act.init(rawValue:)),
            let text = reader.blob(), reader.isAtEnd, let arguments = try? JSON.parse(text, within: Self.limits),
            case .object = arguments
        else { return nil }
        (self.address, self.act, self.arguments) = (address, act, arguments)
    }
}
