/// The keys that a worker knows, by their public ids: numbers in flat arrays, about 100 bytes a key. What many keys may do alike is
/// there once.
struct KeyIndex {
    /// One key; what is rarely there stands elsewhere.
    private struct Entry {
        var publicID: Int64
        var number: Int64
        var secretHash: SecretHash
        /// Seconds since 1970; the highest number: never.
        var expires: Int64
        var grant: UInt32
        var uses: UInt32 = 0
        var lastUsed: Int64 = 0
        var isRevoked: Bool
    }

    private struct Previous {
        var secretHash: SecretHash
        var until: Int64
    }

    private var entries: [Entry] = []
    private var names: [String] = []
    private var grants: [SharedGrant] = []
    private var grantNumbers: [KeyGrant: UInt32] = [:]
    private var previous: [UInt32: Previous] = [:]
    /// Open addressing with linear steps: an entry's place plus 1; 0 is free. At most half are taken.
    private var slots: [UInt32]
    /// Entries whose use was not told of yet.
    private var used: [UInt32] = []

    /// With room for `capacity` keys: as it grows all have to be placed anew, which takes a moment where there are many.
    init(capacity: Int = 0) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        entries.reserveCapacity(capacity)
        names.reserveCapacity(capacity)
    }

    var count: Int { entries.count }

    /// The entry's place; nil where there is none.
    func find(_ publicID: Int64) -> Int? {
        var slot = Self.start(publicID, slots.count)
        while slots[slot] != 0 {
            let place = Int(slots[slot] - 1)
            if entries[place].publicID == publicID { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Fibonacci hashing: ids are random, and those of requests may be anything.
    private static func start(_ publicID: Int64, _ count: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(bitPattern: publicID) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (count - 1)
    }

    /// Who shows this key. Throws `unknown` without saying whether the id or the secret is wrong.
    mutating func identify(_ key: GatewayKey.Parsed, now: Int64) throws(KeyRefusal) -> KeyIdentity {
        guard let place = find(key.publicID) else { throw .unknown }
        guard entries[place].secretHash == key.secretHash || isPrevious(key.secretHash, of: UInt32(place), now: now)
        else {
            throw .unknown
        }
        if entries[place].isRevoked { throw .revoked }
        if entries[place].expires <= now { throw .expired(at: entries[place].expires) }
        if entries[place].uses == 0 { used.append(UInt32(place)) }
        entries[place].uses &+= 1
        entries[place].lastUsed = now
        return identity(at: place)
    }

    /// Nil for a key that is not there, was revoked or has expired.
    func identity(_ publicID: Int64, now: Int64) -> KeyIdentity? {
        guard let place = find(publicID), !entries[place].isRevoked, entries[place].expires > now else { return nil }
        return identity(at: place)
    }

    private func identity(at place: Int) -> KeyIdentity {
        KeyIdentity(
            publicID: entries[place].publicID, name: names[place], grant: grants[Int(entries[place].grant)])
    }

    private func isPrevious(_ hash: SecretHash, of place: UInt32, now: Int64) -> Bool {
        guard let found = previous[place] else { return false }
        return found.until > now && found.secretHash == hash
    }

    /// Takes up a key that is new or has changed. One with a hash of another length is left out: no writer of ours makes it.
    mutating func apply(_ record: KeyRecord) {
        guard let hash = SecretHash(record.secretHash) else { return }
        let place = find(record.publicID) ?? add(record.publicID)
        entries[place].number = record.number
        entries[place].secretHash = hash
        entries[place].expires = record.expires ?? .max
        entries[place].isRevoked = record.revoked != nil
        entries[place].grant = number(of: record.grant)
        names[place] = record.name
        previous[UInt32(place)] = record.previous.flatMap { old in
            SecretHash(old.secretHash).map { Previous(secretHash: $0, until: old.until) }
        }
    }

    private mutating func add(_ publicID: Int64) -> Int {
        entries.append(
            Entry(publicID: publicID, number: 0, secretHash: .none, expires: 0, grant: 0, isRevoked: true))
        names.append("")
        if entries.count * 2 > slots.count {
            slots = [UInt32](repeating: 0, count: slots.count * 2)
            for place in entries.indices { link(place) }
        } else {
            link(entries.count - 1)
        }
        return entries.count - 1
    }

    private mutating func link(_ place: Int) {
        var slot = Self.start(entries[place].publicID, slots.count)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(place + 1)
    }

    private mutating func number(of grant: KeyGrant) -> UInt32 {
        if let number = grantNumbers[grant] { return number }
        let number = UInt32(grants.count)
        grants.append(SharedGrant(grant))
        grantNumbers[grant] = number
        return number
    }

    /// At most `limit` keys that were used since they were asked for last.
    mutating func takeUses(_ limit: Int) -> [(number: Int64, use: KeyUse)] {
        let taken = used.suffix(limit)
        used.removeLast(taken.count)
        return taken.map { place in
            let entry = entries[Int(place)]
            entries[Int(place)].uses = 0
            return (entry.number, KeyUse(lastUsed: entry.lastUsed, uses: Int64(entry.uses)))
        }
    }
}

/// Who asks, by a gateway key.
struct KeyIdentity: Sendable {
    let publicID: Int64
    let name: String
    let grant: SharedGrant
}

/// What many keys may do alike, with one reference to count and not one for each text in it.
final class SharedGrant: Sendable {
    let grant: KeyGrant
    let scope: Scope
    /// Nil: what the setting says. A word of a later version enforces.
    let policy: KeyPolicy?

    init(_ grant: KeyGrant) {
        self.grant = grant
        policy = grant.policy.map { KeyPolicy(rawValue: $0) ?? .enforce }
        scope = Scope(grant)
    }
}

extension Scope {
    /// Nothing is allowed where one of the rules cannot be read: it is one of a later version, and may be the one that denies.
    init(_ grant: KeyGrant) {
        self.init((try? grant.rules()) ?? [])
    }
}

extension KeyGrant {
    /// Its rules, and those of its role. Throws for one that cannot be read.
    func rules() throws(RuleError) -> [Rule] {
        var rules: [Rule] = []
        if let role { rules.append(try Rule("\(role) *")) }
        for text in allow { rules.append(try Rule(text)) }
        for text in deny { rules.append(try Rule(text, effect: .deny)) }
        return rules
    }
}
