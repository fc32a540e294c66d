/// A worker's order to the state process for a client that logs in. It has the hash of a new secret, never the secret.
enum LoginOrder: Equatable, Sendable {
    /// A key for a workload, by a rule of the settings. `subject` is for the key's name.
    case workload(rule: String, subject: String, NewSecret)
    /// A device begins to wait for a person. `deviceHash` is the SHA-256 of its own code.
    case deviceBegin(deviceHash: [UInt8], address: String)
    /// A device asks for its key.
    case devicePoll(deviceHash: [UInt8], NewSecret)
    /// A person has decided.
    case deviceDecide(DeviceDecision)
}

/// A key that is to be made: its public id, and the hash of its secret.
struct NewSecret: Equatable, Sendable {
    let publicID: Int64
    let secretHash: [UInt8]
    /// The id of the request that gets the key: for the audit.
    var requestID = ""
}

/// The answer to a login's order.
enum LoginAnswer: Equatable, Sendable {
    /// `expires` is in seconds since 1970.
    case made(name: String, expires: Int64)
    /// The state process knows no such rule.
    case noRule
    /// The rule has as many live keys as allowed.
    case tooManyKeys
    /// One subject has as many of them as allowed.
    case tooManyKeysOfSubject
    /// The gateway's own code does not send such an order.
    case malformed
    /// A device waits, and has this code to show to a person.
    case waiting(userCode: String)
    case tooManyDevices
    /// There is no decision yet; or the device asks too often.
    case pending, slowDown
    /// Not confirmed in time; refused by a person; not known, or its key was given out before.
    case expired, denied, unknownDevice
    /// The person's decision counts; the address and time of the device's request.
    case confirmed(address: String, created: Int64)
    /// It does not count: the key is not valid, no device waits with that code, it was decided before, or too many wrong codes were typed.
    case badApprover, unknownCode, decided, tooManyGuesses
    /// The confirming key has limits, or was made by a login.
    case boundApprover
}

extension LoginOrder {
    private enum Tag: UInt8 { case workload = 1, deviceBegin, devicePoll, deviceDecide }

    static let longestSubject = 160

    var record: StateRecord {
        var writer = ByteWriter()
        switch self {
        case .workload(let rule, let subject, let secret):
            writer.put(Tag.workload.rawValue)
            writer.put(rule)
            writer.put(subject)
            writer.put(secret)
        case .deviceBegin(let hash, let address):
            writer.put(Tag.deviceBegin.rawValue)
            writer.put(hash)
            writer.put(address)
        case .devicePoll(let hash, let secret):
            writer.put(Tag.devicePoll.rawValue)
            writer.put(hash)
            writer.put(secret)
        case .deviceDecide(let decision):
            writer.put(Tag.deviceDecide.rawValue)
            decision.put(into: &writer)
        }
        return StateRecord(kind: .login, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) else { return nil }
        switch tag {
        case .workload:
            guard let rule = reader.text(), let subject = reader.text(), let secret = reader.newSecret() else {
                return nil
            }
            self = .workload(rule: rule, subject: subject, secret)
        case .deviceBegin:
            guard let hash = reader.blob(), let address = reader.text() else { return nil }
            self = .deviceBegin(deviceHash: hash, address: address)
        case .devicePoll:
            guard let hash = reader.blob(), let secret = reader.newSecret() else { return nil }
            self = .devicePoll(deviceHash: hash, secret)
        case .deviceDecide:
            guard let decision = DeviceDecision(from: &reader) else { return nil }
            self = .deviceDecide(decision)
        }
        guard reader.isAtEnd else { return nil }
    }
}

extension LoginAnswer {
    private enum Tag: UInt8 {
        case made = 1, noRule, tooManyKeys, malformed, waiting, tooManyDevices, pending, slowDown, expired, denied
        case unknownDevice, confirmed, badApprover, unknownCode, decided, tooManyGuesses
        case tooManyKeysOfSubject, boundApprover
    }

    /// Answers that have no values.
    private var tag: Tag {
        switch self {
        case .made: .made
        case .noRule: .noRule
        case .tooManyKeys: .tooManyKeys
        case .tooManyKeysOfSubject: .tooManyKeysOfSubject
        case .malformed: .malformed
        case .waiting: .waiting
        case .tooManyDevices: .tooManyDevices
        case .pending: .pending
        case .slowDown: .slowDown
        case .expired: .expired
        case .denied: .denied
        case .unknownDevice: .unknownDevice
        case .confirmed: .confirmed
        case .badApprover: .badApprover
        case .unknownCode: .unknownCode
        case .decided: .decided
        case .tooManyGuesses: .tooManyGuesses
        case .boundApprover: .boundApprover
        }
    }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(tag.rawValue)
        switch self {
        case .made(let text, let seconds), .confirmed(let text, let seconds):
            writer.put(text)
            writer.put(seconds)
        case .waiting(let code): writer.put(code)
        default: break
        }
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        switch reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) {
        case .made:
            guard let name = reader.text(), let expires = reader.number(Int64.self) else { return nil }
            self = .made(name: name, expires: expires)
        case .confirmed:
            guard let address = reader.text(), let created = reader.number(Int64.self) else { return nil }
            self = .confirmed(address: address, created: created)
        case .waiting:
            guard let code = reader.text() else { return nil }
            self = .waiting(userCode: code)
        case .tooManyDevices: self = .tooManyDevices
        case .pending: self = .pending
        case .slowDown: self = .slowDown
        case .expired: self = .expired
        case .denied: self = .denied
        case .unknownDevice: self = .unknownDevice
        case .badApprover: self = .badApprover
        case .unknownCode: self = .unknownCode
        case .decided: self = .decided
        case .tooManyGuesses: self = .tooManyGuesses
        case .boundApprover: self = .boundApprover
        case .noRule: self = .noRule
        case .tooManyKeys: self = .tooManyKeys
        case .tooManyKeysOfSubject: self = .tooManyKeysOfSubject
        case .malformed: self = .malformed
        case nil: return nil
        }
    }
}

extension ByteWriter {
    mutating func put(_ secret: NewSecret) {
        put(secret.publicID)
        put(secret.secretHash)
        put(secret.requestID)
    }
}

extension ByteReader {
    mutating func newSecret() -> NewSecret? {
        guard let publicID = number(Int64.self), publicID >= 0, let hash = blob(), hash.count == 32,
            let requestID = text()
        else { return nil }
        return NewSecret(publicID: publicID, secretHash: hash, requestID: requestID)
    }
}
