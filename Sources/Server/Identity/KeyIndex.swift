/// The keys that a worker knows, by their public ids: numbers in flat arrays, about 100 bytes a key. Rights that many keys share are
/// stored once.
struct KeyIndex {
    /// One key; fields that few keys have are stored elsewhere.
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
    private var grants: [KeyGrant] = []
    /// The compiled rights, made when one of their keys is first used: nil until then.
    private var shared: [SharedGrant?] = []
    private var roles = RoleBook.presets
    private var policy = KeyPolicy.enforce
    /// Counts the sets of roles so far.
    private var rolesNumber = 0
    private var grantNumbers: [KeyGrant: UInt32] = [:]
    private var previous: [UInt32: Previous] = [:]
    /// Open addressing with linear probing: an entry's index plus 1; 0 is free. At most half are taken.
    private var slots: [UInt32]
    /// Entries whose use was not reported yet.
    private var used: [UInt32] = []

    /// With room for `capacity` keys: when it grows all keys are placed again, which takes a moment where there are many.
    init(capacity: Int = 0) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        entries.reserveCapacity(capacity)
        names.reserveCapacity(capacity)
    }

    var count: Int { entries.count }

    /// The index of a key's entry; nil where there is none.
    func find(_ publicID: Int64) -> Int? {
        var slot = Self.start(publicID, slots.count)
        while slots[slot] != 0 {
            let place = Int(slots[slot] - 1)
            if entries[place].publicID == publicID { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Fibonacci hashing: ids are random, but a request may ask for any.
    private static func start(_ publicID: Int64, _ count: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(bitPattern: publicID) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (count - 1)
    }

    /// The identity of a key that was shown. Throws `unknown` without saying whether the id or the secret is wrong.
    mutating func identify(_ key: GatewayKey.Parsed, now: Int64) throws(KeyRefusal) -> KeyIdentity {
        try use(try verify(key, now: now), now: now)
    }

    /// A key whose secret was checked. Valid until the next change of the index.
    struct Verified {
        fileprivate let place: UInt32
        fileprivate let secret: UInt64
        /// Until when that holds: the secret from before a rotation expires.
        let until: Int64
    }

    /// Throws `unknown` without saying whether the id or the secret is wrong.
    func verify(_ key: GatewayKey.Parsed, now: Int64) throws(KeyRefusal) -> Verified {
        guard let place = find(key.publicID) else { throw .unknown }
        if entries[place].secretHash == key.secretHash {
            return Verified(place: UInt32(place), secret: key.secretHash.mark, until: .max)
        }
        guard let found = previous[UInt32(place)], found.until > now, found.secretHash == key.secretHash else {
            throw .unknown
        }
        return Verified(place: UInt32(place), secret: key.secretHash.mark, until: found.until)
    }

    /// Counts a use of a key whose secret was shown, if the key is still good.
    mutating func use(_ verified: Verified, now: Int64) throws(KeyRefusal) -> KeyIdentity {
        let place = Int(verified.place)
        if entries[place].isRevoked { throw .revoked }
        if entries[place].expires <= now { throw .expired(at: entries[place].expires) }
        if entries[place].uses == 0 { used.append(UInt32(place)) }
        entries[place].uses &+= 1
        entries[place].lastUsed = now
        var identity = identity(at: place)
        identity.secret = verified.secret
        identity.expires = min(identity.expires, verified.until)
        return identity
    }

    /// Nil for a key that does not exist, was revoked or has expired.
    mutating func identity(_ publicID: Int64, now: Int64) -> KeyIdentity? {
        guard let place = find(publicID), !entries[place].isRevoked, entries[place].expires > now else { return nil }
        return identity(at: place)
    }

    /// The present state of a key that was valid before. Throws why the key, or its secret, is not valid any more.
    mutating func present(_ key: KeyIdentity, now: Int64) throws(KeyRefusal) -> KeyIdentity {
        guard let place = find(key.publicID) else { throw .unknown }
        let entry = entries[place]
        if entry.isRevoked { throw .revoked }
        if entry.expires <= now { throw .expired(at: entry.expires) }
        var identity = identity(at: place)
        guard let secret = key.secret, secret != entry.secretHash.mark else { return identity }
        guard let found = previous[UInt32(place)], found.until > now, found.secretHash.mark == secret else {
            throw .unknown
        }
        identity.expires = min(identity.expires, found.until)
        return identity
    }

    /// Sets the meaning of roles, and the policy of keys without one. Rights are compiled again at their next use: so this takes no time, however many keys
    /// there are.
    mutating func use(_ roles: RoleBook, policy: KeyPolicy = .enforce) {
        self.roles = roles
        self.policy = policy
        rolesNumber += 1
    }

    private mutating func identity(at place: Int) -> KeyIdentity {
        KeyIdentity(
            number: entries[place].number, publicID: entries[place].publicID, name: names[place],
            grant: meaning(of: entries[place].grant), expires: entries[place].expires)
    }

    private mutating func meaning(of grant: UInt32) -> SharedGrant {
        let place = Int(grant)
        if let known = shared[place],
            known.rolesNumber == rolesNumber || known.grant.role == nil && known.isFor(policy)
        {
            return known
        }
        let made = SharedGrant(grants[place], roles, policy: policy, number: rolesNumber)
        shared[place] = made
        return made
    }

    /// Takes up a new or changed key. One with a hash of another length is left out: no writer of ours makes it.
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
        grants.append(grant)
        shared.append(nil)
        grantNumbers[grant] = number
        return number
    }

    /// At most `limit` keys that were used since the last call.
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
