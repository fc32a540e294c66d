import EventIO

/// A person's decision about a device that waits, made at a worker with a key. The state process checks the key itself: a worker that was taken
/// over can confirm with no key that it was not shown.
struct DeviceDecision: Equatable, Sendable {
    let userCode: String
    let isConfirmed: Bool
    /// The person's address.
    let address: String
    /// The key: its public id, and its secret, which is not stored.
    let publicID: Int64
    let secret: [UInt8]
}

extension DeviceDecision {
    func put(into writer: inout ByteWriter) {
        writer.put(userCode)
        writer.put(UInt8(isConfirmed ? 1 : 0))
        writer.put(address)
        writer.put(publicID)
        writer.put(secret)
    }

    init?(from reader: inout ByteReader) {
        guard let userCode = reader.text(), let flag = reader.number(UInt8.self), let address = reader.text(),
            let publicID = reader.number(Int64.self), let secret = reader.blob()
        else { return nil }
        self.init(userCode: userCode, isConfirmed: flag == 1, address: address, publicID: publicID, secret: secret)
    }

    /// Carries it out, within the `bounds` of devices and the limit of `guesses`.
    func carryOut(
        on database: Database, _ bounds: LoginBounds.Device?, _ guesses: inout CodeGuesses, now: Int64
    ) throws(DatabaseError) -> LoginAnswer {
        guard let bounds else { return .noRule }
        guard let approver = try approver(database, now: now) else { return .badApprover }
        guard guesses.mayTry(from: address, now: now) else { return .tooManyGuesses }
        if isConfirmed, try !mayConfirm(approver, bounds, database) { return .boundApprover }
        var grant = approver.grant
        if let role = bounds.role { grant = KeyGrant(role: role, credential: grant.credential) }
        // Where other keys are in shadow mode, a key with enforced rules gives out keys with enforced rules.
        grant.policy = approver.grant.policy == Self.enforced ? Self.enforced : nil
        let answer = try DeviceLogins(database: database).decide(
            userCode, isConfirmed ? grant : nil, until: approver.expires, by: approver, now: now)
        if answer == .unknownCode { guesses.note(from: address, now: now) }
        return answer
    }

    /// No key with limits may confirm: each key that it gives out, and each that those give out, would start with unused limits.
    private func mayConfirm(
        _ approver: KeyRecord, _ bounds: LoginBounds.Device, _ database: Database
    ) throws(DatabaseError) -> Bool {
        guard !approver.grant.hasLimits, !(approver.grant.role.map(bounds.limitedRoles.contains) ?? false) else {
            return false
        }
        return try !LoginKeys(database: database).isOfLogin(publicID)
    }

    /// `KeyGrant.policy` of a key whose rules are enforced.
    private static let enforced = "enforce"

    /// The key, where it is valid; with the secret before the last rotation, for as long as that is valid.
    private func approver(_ database: Database, now: Int64) throws(DatabaseError) -> KeyRecord? {
        guard let record = try KeyTable(database: database).find(publicID: publicID), record.revoked == nil,
            record.expires ?? .max > now
        else { return nil }
        let words = SecretDigest.sha256(secret.span)
        let hash = unsafe withUnsafeBytes(of: words) { unsafe Array($0) }
        if HMACSHA256.isSame(hash, record.secretHash) { return record }
        guard let previous = record.previous, previous.until > now, HMACSHA256.isSame(hash, previous.secretHash) else {
            return nil
        }
        var bounded = record
        bounded.expires = min(previous.until, record.expires ?? .max)
        return bounded
    }
}

/// How often a wrong code was typed lately: in all, and by each client, which is an IPv4 address or the first 64 bits of an IPv6 address.
struct CodeGuesses {
    private static let window: Int64 = 600
    private static let most = 100
    private static let mostOfOneClient = 10

    private var began: Int64 = 0
    private var total = 0
    private var byClient: [Substring: Int] = [:]

    func mayTry(from address: String, now: Int64) -> Bool {
        guard now - began < Self.window else { return true }
        return total < Self.most && byClient[IPAddress.network(of: address)] ?? 0 < Self.mostOfOneClient
    }

    /// At most `most` clients are noted: beyond that no client may try.
    mutating func note(from address: String, now: Int64) {
        if now - began >= Self.window { (began, total, byClient) = (now, 0, [:]) }
        total += 1
        byClient[IPAddress.network(of: address), default: 0] += 1
    }
}
