@testable import Server
import Testing

@Suite struct ShownKeyCacheTests {
    private static let key = GatewayKey.make(publicID: 7)

    private func verified(_ index: KeyIndex, now: Int64 = 1) throws -> KeyIndex.Verified {
        try index.verify(.init(publicID: 7, secretHash: Self.key.secretHash), now: now)
    }

    private func index(_ change: (inout KeyRecord) -> Void = { _ in }) -> KeyIndex {
        var index = KeyIndex()
        var record = KeyRecord(
            number: 1, name: "k", publicID: 7, secretHash: Self.key.secretHash.bytes, grant: KeyGrant(role: "reader"),
            created: 0)
        change(&record)
        index.apply(record)
        return index
    }

    private func taken(_ cache: ShownKeyCache, _ field: [UInt8]) throws -> ShownKeyCache.Mark {
        let mark = cache.mark(field.span)
        return try #require(mark)
    }

    @Test("A field is known again to the byte, and no other is")
    func find() throws {
        var cache = ShownKeyCache()
        let field = Array("Bearer \(Self.key.text)".utf8)
        let mark = try taken(cache, field)
        #expect(cache.find(mark, now: 1) == nil)
        cache.keep(.init(mark: mark, verified: try verified(self.index()), isBasic: false))
        let again = try taken(cache, field)
        #expect(cache.find(again, now: 1) != nil)
        for position in field.indices {
            for bit in 0..<8 {
                var other = field
                other[position] ^= 1 << bit
                let of = try taken(cache, other)
                #expect(cache.find(of, now: 1) == nil)
            }
            var shorter = field
            shorter.remove(at: position)
            let of = try taken(cache, shorter)
            #expect(cache.find(of, now: 1) == nil)
        }
        cache.drop()
        #expect(cache.find(mark, now: 1) == nil)
    }

    @Test("Each process knows a field by another mark, and long fields by none")
    func marks() throws {
        let field = Array("Bearer x".utf8)
        let (one, other) = (try taken(ShownKeyCache(), field), try taken(ShownKeyCache(), field))
        #expect(one != other)
        let long = [UInt8](repeating: 65, count: 257)
        let none = ShownKeyCache().mark(long.span)
        #expect(none == nil)
    }

    @Test("What is known of a secret ends with the time of grace")
    func grace() throws {
        var cache = ShownKeyCache()
        let index = self.index {
            $0.previous = .init(secretHash: $0.secretHash, until: 100)
            $0.secretHash = [UInt8](repeating: 9, count: 32)
        }
        let mark = try taken(cache, Array("f".utf8))
        cache.keep(.init(mark: mark, verified: try verified(index), isBasic: false))
        #expect(cache.find(mark, now: 99) != nil && cache.find(mark, now: 100) == nil)
    }

    @Test("A key that has expired or was revoked is asked for at each use, whatever is known of its secret")
    func use() throws {
        var index = self.index { $0.expires = 100 }
        let shown = try verified(index)
        _ = try index.use(shown, now: 99)
        #expect(throws: KeyRefusal.expired(at: 100)) { try index.use(shown, now: 100) }
        var revoked = self.index { $0.revoked = 1 }
        let its = try self.verified(revoked)
        #expect(throws: KeyRefusal.revoked) { try revoked.use(its, now: 1) }
    }

    @Test(
        "Rights have a number: another for other rights or another account, the same for another name, secret or rate")
    func digest() {
        func digest(_ grant: KeyGrant, _ roles: RoleBook = .presets) -> UInt64 { SharedGrant(grant, roles).digest }
        let one = digest(KeyGrant(allow: ["read acme/*", "write acme/*"]))
        #expect(one == digest(KeyGrant(allow: ["read acme/*", "write acme/*"], rate: "1/s")))
        let others = [
            KeyGrant(allow: ["read acme/*"]), KeyGrant(allow: ["write acme/*"]), KeyGrant(role: "reader"), KeyGrant(),
            KeyGrant(allow: ["read acme/*", "write acme/*"], deny: ["write acme/x"]),
            KeyGrant(allow: ["read acme/*", "write acme/*"], credential: "other"),
            KeyGrant(allow: ["read acme/*", "write acme/*"], credential: "the gateway"),
        ]
        #expect(Set(others.map { digest($0) } + [one]).count == others.count + 1)
        // A role means what its rules say.
        #expect(digest(KeyGrant(role: "reader")) == digest(KeyGrant(allow: ["read,search *"])))
    }
}
