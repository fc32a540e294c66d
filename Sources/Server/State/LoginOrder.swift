/// What a worker asks the state process for on behalf of somebody who logs in. It has the hash of a new secret, never the secret.
enum LoginOrder: Equatable, Sendable {
    /// A key for a workload, by a rule of the settings. `subject` is for the key's name.
    case workload(rule: String, subject: String, NewSecret)
}

/// A key that is to be made: its public id, and what the secret is known by.
struct NewSecret: Equatable, Sendable {
    let publicID: Int64
    let secretHash: [UInt8]
}

/// What becomes of it.
enum LoginAnswer: Equatable, Sendable {
    /// `expires` is in seconds since 1970.
    case made(name: String, expires: Int64)
    /// The state process knows no such rule.
    case noRule
    /// As many keys of that rule live as may.
    case tooManyKeys
    /// It is not what the gateway's own code asks.
    case malformed
}

extension LoginOrder {
    private enum Tag: UInt8 { case workload = 1 }

    static let longestSubject = 160

    var record: StateRecord {
        var writer = ByteWriter()
        switch self {
        case .workload(let rule, let subject, let secret):
            writer.put(Tag.workload.rawValue)
            writer.put(rule)
            writer.put(subject)
            writer.put(secret)
        }
        return StateRecord(kind: .login, payload: writer.bytes)
    }

    /// Nil for what `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) else { return nil }
        switch tag {
        case .workload:
            guard let rule = reader.text(), let subject = reader.text(), let secret = reader.newSecret() else {
                return nil
            }
            self = .workload(rule: rule, subject: subject, secret)
        }
        guard reader.isAtEnd else { return nil }
    }
}

extension LoginAnswer {
    private enum Tag: UInt8 { case made = 1, noRule, tooManyKeys, malformed }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        func put(_ tag: Tag) { writer.put(tag.rawValue) }
        switch self {
        case .made(let name, let expires):
            put(.made)
            writer.put(name)
            writer.put(expires)
        case .noRule: put(.noRule)
        case .tooManyKeys: put(.tooManyKeys)
        case .malformed: put(.malformed)
        }
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        switch reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) {
        case .made:
            guard let name = reader.text(), let expires = reader.number(Int64.self) else { return nil }
            self = .made(name: name, expires: expires)
        case .noRule: self = .noRule
        case .tooManyKeys: self = .tooManyKeys
        case .malformed: self = .malformed
        case nil: return nil
        }
    }
}

extension ByteWriter {
    mutating func put(_ secret: NewSecret) {
        put(secret.publicID)
        put(secret.secretHash)
    }
}

extension ByteReader {
    mutating func newSecret() -> NewSecret? {
        guard let publicID = number(Int64.self), publicID >= 0, let hash = blob(), hash.count == 32 else { return nil }
        return NewSecret(publicID: publicID, secretHash: hash)
    }
}
