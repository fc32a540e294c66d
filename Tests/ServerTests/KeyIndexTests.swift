@testable import Server
import Testing

struct KeyIndexTests {
    private static func key(_ id: Int64) -> (record: KeyRecord, parsed: GatewayKey.Parsed) {
        let key = GatewayKey.make(publicID: id)
        let record = KeyRecord(
            number: id, name: "key-\(id)", publicID: id, secretHash: key.secretHash.bytes,
            grant: KeyGrant(allow: ["read acme/*"]), created: 0)
        return (record, GatewayKey.Parsed(publicID: id, secretHash: key.secretHash))
    }

    private func refusal(_ index: inout KeyIndex, _ parsed: GatewayKey.Parsed, now: Int64 = 100) -> KeyRefusal? {
        do throws(KeyRefusal) {
            _ = try index.identify(parsed, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test("Each of many keys is found, and no other; equal grants are one")
    func many() throws {
        var index = KeyIndex()
        let keys = (1...5000 as ClosedRange<Int64>).map { Self.key($0 &* 7_919_191_919) }
        for key in keys { index.apply(key.record) }
        #expect(index.count == 5000)
        let first = try index.identify(keys[0].parsed, now: 1)
        for key in keys {
            let identity = try index.identify(key.parsed, now: 1)
            #expect(identity.name == key.record.name && identity.grant === first.grant)
        }
        for id in 1...5000 as ClosedRange<Int64> { #expect(index.find(id) == nil) }
    }

    @Test("Another's secret is as unknown as another's id")
    func wrongSecret() {
        var index = KeyIndex()
        let (one, other) = (Self.key(1), Self.key(2))
        index.apply(one.record)
        index.apply(other.record)
        #expect(refusal(&index, .init(publicID: 1, secretHash: other.parsed.secretHash)) == .unknown)
        #expect(refusal(&index, .init(publicID: 3, secretHash: one.parsed.secretHash)) == .unknown)
    }

    @Test("A key ends at its expiry, to the second; revoked it ends for good, and only who has the secret is told")
    func ends() {
        var index = KeyIndex()
        var key = Self.key(1)
        key.record.expires = 100
        index.apply(key.record)
        #expect(refusal(&index, key.parsed, now: 99) == nil)
        #expect(refusal(&index, key.parsed, now: 100) == .expired(at: 100))
        key.record.revoked = 50
        index.apply(key.record)
        #expect(refusal(&index, key.parsed, now: 99) == .revoked)
        #expect(refusal(&index, .init(publicID: 1, secretHash: .none)) == .unknown)
    }

    @Test("After a rotation both secrets work until the grace is over, then only the new one")
    func grace() {
        var index = KeyIndex()
        let old = Self.key(1)
        var record = Self.key(1).record
        let new = GatewayKey.make(publicID: 1)
        record.secretHash = new.secretHash.bytes
        record.previous = .init(secretHash: old.record.secretHash, until: 100)
        index.apply(old.record)
        index.apply(record)
        let parsed = GatewayKey.Parsed(publicID: 1, secretHash: new.secretHash)
        for (now, wanted) in [(99, nil), (100, KeyRefusal.unknown)] as [(Int64, KeyRefusal?)] {
            #expect(refusal(&index, old.parsed, now: now) == wanted && refusal(&index, parsed, now: now) == nil)
        }
        record.previous = nil
        index.apply(record)
        #expect(refusal(&index, old.parsed, now: 1) == .unknown)
    }

    @Test(
        "A key that was good is looked up again: by the secret that was shown, or, where none was, whichever secret it has"
    )
    func present() throws {
        var index = KeyIndex()
        let old = Self.key(1)
        index.apply(old.record)
        let shown = try index.identify(old.parsed, now: 50)
        let known = index.identity(1, now: 50)
        let got = try #require(known)
        func refusal(_ key: KeyIdentity, now: Int64 = 60) -> KeyRefusal? {
            do throws(KeyRefusal) {
                let found = try index.present(key, now: now)
                return found.publicID == 1 && found.expires > now ? nil : .missing
            } catch {
                return error
            }
        }
        #expect(refusal(shown) == nil && refusal(got) == nil && shown.expires == .max)
        var record = old.record
        record.secretHash = GatewayKey.make(publicID: 1).secretHash.bytes
        record.previous = .init(secretHash: old.record.secretHash, until: 100)
        index.apply(record)
        let (again, identified) = (try index.present(shown, now: 60), try index.identify(old.parsed, now: 60))
        #expect(again.expires == 100 && identified.expires == 100)
        #expect(refusal(shown) == nil && refusal(got) == nil)
        #expect(refusal(shown, now: 100) == .unknown && refusal(got, now: 100) == nil)
        record.previous = nil
        record.expires = 80
        index.apply(record)
        #expect(refusal(shown) == .unknown && refusal(got) == nil && refusal(got, now: 80) == .expired(at: 80))
        record.revoked = 70
        index.apply(record)
        #expect(refusal(shown) == .revoked && refusal(got) == .revoked)
        index = KeyIndex()
        #expect(refusal(got) == .unknown)
    }

    @Test("Uses are told once, in portions")
    func uses() throws {
        var index = KeyIndex()
        let keys = (1...5 as ClosedRange<Int64>).map(Self.key)
        for key in keys { index.apply(key.record) }
        for key in keys.prefix(4) { _ = try index.identify(key.parsed, now: 10) }
        _ = try index.identify(keys[0].parsed, now: 11)
        var told: [Int64: KeyUse] = [:]
        while case let portion = index.takeUses(3), !portion.isEmpty {
            #expect(portion.count <= 3)
            for (number, use) in portion {
                #expect(told[number] == nil)
                told[number] = use
            }
        }
        #expect(told.count == 4 && told[1] == KeyUse(lastUsed: 11, uses: 2) && told[2] == KeyUse(lastUsed: 10, uses: 1))
    }

    @Test("A record with a hash of another length is left out, and ends nothing")
    func damaged() {
        var index = KeyIndex()
        var key = Self.key(1)
        key.record.secretHash = [1, 2, 3]
        index.apply(key.record)
        #expect(index.count == 0)
    }
}
