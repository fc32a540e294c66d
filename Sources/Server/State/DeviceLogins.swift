import HTTP

/// Logins of devices (RFC 8628): kept in the database, so that any worker, the command line and a gateway that was
/// restarted know them.
struct DeviceLogins {
    let database: Database

    /// All times in seconds.
    static let lifetime: Int64 = 600
    static let interval: Int64 = 5
    private static let longestInterval: Int64 = 60
    /// How long a login is remembered after its end, so that its device can be told why.
    private static let memory: Int64 = 3600
    /// How many may wait for a person at once, in all and for one client: an IPv4 address, or the first 64 bits of an IPv6 address.
    static let most = 100
    static let mostOfOneClient = 10

    enum Status: Int64 {
        case waiting, confirmed, denied
        /// The device was given its key.
        case used
    }

    /// A login as a person sees it.
    struct Entry: Equatable {
        let userCode: String
        let address: String
        let created: Int64
        let status: Status
        let confirmedBy: String?
    }

    /// Notes that a device waits. The answer has the code that a person types.
    func begin(_ deviceHash: [UInt8], from address: String, now: Int64) throws(DatabaseError) -> LoginAnswer {
        try database.prepare("DELETE FROM device_logins WHERE expires < ?1").run(.integer(now - Self.memory))
        let waiting = try waiting(now)
        let client = IPAddress.network(of: LoginKeys.printable(address))
        guard waiting.count < Self.most, waiting.count(where: { $0 == client }) < Self.mostOfOneClient else {
            return .tooManyDevices
        }
        guard deviceHash.count == 32, try !exists("device_hash", .blob(deviceHash)) else { return .malformed }
        var code = UserCode.random()
        while try exists("user_code", .text(code)) { code = UserCode.random() }
        try database.prepare(
            """
            INSERT INTO device_logins (device_hash, user_code, address, created, expires, polled, pause, status)
            VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0)
            """
        ).run(
            .blob(deviceHash), .text(code), .text(LoginKeys.printable(address)), .integer(now),
            .integer(now + Self.lifetime), .integer(Self.interval))
        return .waiting(userCode: code)
    }

    /// The device asks for its key: it gets one after a person has confirmed it, and only once.
    func poll(_ deviceHash: [UInt8], _ secret: NewSecret, lifetime: Int64, now: Int64) throws(DatabaseError)
        -> LoginAnswer
    {
        let statement = try database.prepare(
            """
            SELECT status, expires, polled, pause, role, allow, deny, credential, rate, until, confirmed_by, user_code, policy,
                approver, limits
            FROM device_logins WHERE device_hash = ?1
            """)
        try statement.bind([.blob(deviceHash)])
        guard try statement.step(), let status = Status(rawValue: statement.integer(0)) else { return .unknownDevice }
        let (expires, polled, pause) = (statement.integer(1), statement.integer(2), statement.integer(3))
        switch status {
        case .used: return .unknownDevice
        case .denied: return .denied
        case _ where expires <= now: return .expired
        case .waiting: return try wait(deviceHash, polled, pause, now: now)
        case .confirmed: break
        }
        if let approver = statement.optionalInteger(13), try !isGood(approver, now: now) { return .denied }
        let keys = LoginKeys(database: database)
        guard try !keys.exists(secret.publicID) else { return .malformed }
        let until = min(now + lifetime, statement.optionalInteger(9) ?? .max)
        let name = statement.text(10)
        let record = KeyRecord(
            name: "login:" + LoginKeys.printable(name), publicID: secret.publicID, secretHash: secret.secretHash,
            grant: KeyGrant(
                role: statement.optionalText(4), allow: RuleLines.rules(statement.text(5)),
                deny: RuleLines.rules(statement.text(6)),
                credential: statement.optionalText(7), rate: statement.optionalText(8),
                policy: statement.optionalText(12), limits: statement.optionalText(14)),
            note: "login \(statement.text(11)), confirmed by \(name)", created: now, expires: until)
        statement.reset()
        try set(.used, where: "device_hash", .blob(deviceHash))
        return .made(
            name: try keys.insert(record, login: "device", requestID: secret.requestID), expires: until)
    }

    /// Whether the key that has confirmed it could still do so.
    private func isGood(_ approver: Int64, now: Int64) throws(DatabaseError) -> Bool {
        guard let key = try KeyTable(database: database).find(publicID: approver) else { return false }
        return key.revoked == nil && key.expires ?? .max > now && !key.grant.hasLimits
    }

    private func wait(_ deviceHash: [UInt8], _ polled: Int64, _ pause: Int64, now: Int64) throws(DatabaseError)
        -> LoginAnswer
    {
        let isEarly = now - polled < pause
        let next = isEarly ? min(pause + Self.interval, Self.longestInterval) : pause
        try database.prepare("UPDATE device_logins SET polled = ?2, pause = ?3 WHERE device_hash = ?1").run(
            .blob(deviceHash), .integer(now), .integer(next))
        return isEarly ? .slowDown : .pending
    }

    /// A person decides. `grant`: for the device's key; nil: it gets none. `until`: the key ends then at the latest.
    func decide(
        _ userCode: String, _ grant: KeyGrant?, until: Int64? = nil, by approver: KeyRecord, now: Int64
    ) throws(DatabaseError) -> LoginAnswer {
        try decide(userCode, grant, until: until, by: approver.name, approver.publicID, now: now)
    }

    /// The same by the command line, which needs no key.
    func decide(
        _ userCode: String, _ grant: KeyGrant?, until: Int64? = nil, by name: String, _ approver: Int64? = nil,
        now: Int64
    ) throws(DatabaseError) -> LoginAnswer {
        guard let entry = try find(userCode), try isOpen(userCode, now: now) else { return .unknownCode }
        guard entry.status == .waiting else { return .decided }
        guard let grant else {
            try set(.denied, where: "user_code", .text(userCode))
            return .confirmed(address: entry.address, created: entry.created)
        }
        try database.prepare(
            """
            UPDATE device_logins SET status = 1, role = ?2, allow = ?3, deny = ?4, credential = ?5, rate = ?6, until = ?7,
                confirmed_by = ?8, policy = ?9, approver = ?10, limits = ?11
            WHERE user_code = ?1
            """
        ).run(
            .text(userCode), .init(grant.role), .text(RuleLines.text(grant.allow)),
            .text(RuleLines.text(grant.deny)), .init(grant.credential), .init(grant.rate), .init(until),
            .text(name), .init(grant.policy), .init(approver), .init(grant.limits))
        return .confirmed(address: entry.address, created: entry.created)
    }

    /// Logins that wait, or were decided and have not expired, the oldest first.
    func all(now: Int64) throws(DatabaseError) -> [Entry] {
        let statement = try database.prepare(
            "SELECT user_code, address, created, status, confirmed_by FROM device_logins WHERE expires > ?1 ORDER BY created"
        )
        try statement.bind([.integer(now)])
        var entries: [Entry] = []
        while try statement.step() { if let entry = Entry(row: statement) { entries.append(entry) } }
        return entries
    }

    private func find(_ userCode: String) throws(DatabaseError) -> Entry? {
        let statement = try database.prepare(
            "SELECT user_code, address, created, status, confirmed_by FROM device_logins WHERE user_code = ?1")
        try statement.bind([.text(userCode)])
        return try statement.step() ? Entry(row: statement) : nil
    }

    private func isOpen(_ userCode: String, now: Int64) throws(DatabaseError) -> Bool {
        let statement = try database.prepare("SELECT 1 FROM device_logins WHERE user_code = ?1 AND expires > ?2")
        try statement.bind([.text(userCode), .integer(now)])
        return try statement.step()
    }

    /// The clients of waiting logins, one for each login.
    private func waiting(_ now: Int64) throws(DatabaseError) -> [Substring] {
        let statement = try database.prepare(
            "SELECT address FROM device_logins WHERE status = 0 AND expires > ?1 LIMIT \(Self.most)")
        try statement.bind([.integer(now)])
        var clients: [Substring] = []
        while try statement.step() { clients.append(IPAddress.network(of: statement.text(0))) }
        return clients
    }

    private func exists(_ column: StaticString, _ value: Statement.Value) throws(DatabaseError) -> Bool {
        let statement = try database.prepare("SELECT 1 FROM device_logins WHERE \(column) = ?1")
        try statement.bind([value])
        return try statement.step()
    }

    private func set(_ status: Status, where column: StaticString, _ value: Statement.Value) throws(DatabaseError) {
        try database.prepare("UPDATE device_logins SET status = ?2 WHERE \(column) = ?1").run(
            value, .integer(status.rawValue))
    }
}

extension DeviceLogins.Entry {
    fileprivate init?(row: Statement) {
        guard let status = DeviceLogins.Status(rawValue: row.integer(3)) else { return nil }
        self.init(
            userCode: row.text(0), address: row.text(1), created: row.integer(2), status: status,
            confirmedBy: row.optionalText(4))
    }
}

/// The code by which a person names their device (RFC 8628 section 6.1): 8 consonants, none of which looks like another, and which make no words;
/// 34 bits, valid for ten minutes.
enum UserCode {
    private static let alphabet = Array("BCDFGHJKLMNPQRSTVWXZ".utf8)
    static let length = 8

    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        // getrandom(2), by the standard library, without a bias.
        let letters = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
        return String(decoding: letters, as: UTF8.self)
    }

    /// In its printed form: `BCDF-GHJK`.
    static func shown(_ code: String) -> String { "\(code.prefix(4))-\(code.dropFirst(4))" }

    /// From a person's input; nil for a text that is no code.
    static func read(_ text: String) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        let letters = text.utf8.compactMap { byte -> UInt8? in
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: " ")
                ? nil : byte.isASCIIAlphanumeric && byte > 0x60 ? byte & 0xDF : byte
        }
        guard letters.count == length, letters.allSatisfy(alphabet.contains) else { return nil }
        return String(decoding: letters, as: UTF8.self)
    }
}
