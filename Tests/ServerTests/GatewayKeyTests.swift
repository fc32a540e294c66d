@testable import HTTP
@testable import Server
import Testing

struct GatewayKeyTests {
    private func parse(_ text: String) throws(GatewayKey.Flaw) -> GatewayKey.Parsed {
        let bytes = Array(text.utf8)
        return try GatewayKey.parse(bytes.span)
    }

    private func flaw(_ text: String) -> GatewayKey.Flaw? {
        do throws(GatewayKey.Flaw) {
            _ = try parse(text)
            return nil
        } catch {
            return error
        }
    }

    @Test("A key that was made is read: its id, and the hash of its secret and of nothing else")
    func round() throws {
        for _ in 0..<100 {
            let id = GatewayKey.makePublicID()
            let key = GatewayKey.make(publicID: id)
            #expect(key.text.utf8.count == GatewayKey.length)
            let parsed = try parse(key.text)
            #expect(parsed.publicID == id && parsed.secretHash == key.secretHash)
            #expect(key.text.hasPrefix(GatewayKey.shown(publicID: id) + "_"))
        }
    }

    @Test("Ids at both ends of their range are read")
    func ends() throws {
        for id in [0, 1, 839_299_365_868_340_223] as [Int64] {
            #expect(try parse(GatewayKey.make(publicID: id).text).publicID == id)
        }
    }

    @Test("Every key that has one character changed is mistyped, and not unknown; in the prefix it is no key at all")
    func mutations() {
        let text = Array(GatewayKey.make(publicID: 12_345_678_901_234).text.utf8)
        for position in text.indices {
            for byte in 0x20...0x7e as ClosedRange<UInt8> where byte != text[position] {
                var changed = text
                changed[position] = byte
                let wanted: GatewayKey.Flaw = position < 3 ? .foreign : .mistyped
                #expect(flaw(String(decoding: changed, as: UTF8.self)) == wanted, "\(position) \(byte)")
            }
        }
    }

    @Test("So is one that is cut or goes on, or in which two neighbours changed places")
    func lengths() {
        let text = GatewayKey.make(publicID: 99).text
        for count in 3..<text.count { #expect(flaw(String(text.prefix(count))) == .mistyped) }
        #expect(flaw(text + "x") == .mistyped && flaw(text + text) == .mistyped)
        var bytes = Array(text.utf8)
        for position in 3..<bytes.count - 1 where bytes[position] != bytes[position + 1] {
            bytes.swapAt(position, position + 1)
            #expect(flaw(String(decoding: bytes, as: UTF8.self)) == .mistyped)
            bytes.swapAt(position, position + 1)
        }
    }

    @Test("Other tokens are no keys", arguments: ["", "h", "hg", "hf_abcdefgh", "HG_0000000000_", "x" + "hg_"])
    func foreign(text: String) {
        #expect(flaw(text) == .foreign)
    }

    @Test("The checksum is CRC-32 as everybody has it")
    func checksum() {
        #expect(CRC32.of(Array("123456789".utf8).span) == 0xCBF4_3926)
        #expect(CRC32.of([UInt8]().span) == 0)
    }

    @Test("Two secrets never are the same, and all 62 characters come about equally often")
    func chance() {
        var counts = [UInt8: Int]()
        for byte in Base62.random(62_000) { counts[byte, default: 0] += 1 }
        #expect(counts.count == 62)
        // A thousand of each on average; eight standard deviations.
        #expect(counts.values.allSatisfy { (750...1250).contains($0) })
        #expect(Base62.random(43) != Base62.random(43))
    }

    @Test("Hashes are the same only if all 32 bytes are")
    func hashes() throws {
        let bytes = Array(0..<32) as [UInt8]
        let hash = try #require(SecretHash(bytes))
        #expect(hash.bytes == bytes && SecretHash(bytes) == hash)
        for position in bytes.indices {
            var other = bytes
            other[position] ^= 0x80
            #expect(SecretHash(other) != hash)
        }
        #expect(SecretHash(Array(bytes.dropLast())) == nil)
        let digest = Array("abc".utf8)
        #expect(SecretHash(of: digest.span).bytes.prefix(4) == [0xba, 0x78, 0x16, 0xbf])
    }
}

struct ShownKeyTests {
    private static let key = GatewayKey.make(publicID: 7).text

    private func read(_ headers: Headers) -> Result<GatewayKey.Parsed, KeyRefusal> {
        do throws(KeyRefusal) { return .success(try ShownKey.read(headers)) } catch { return .failure(error) }
    }

    @Test("A key is read from Bearer and from Basic with any user, whatever the scheme's case and the blanks behind it")
    func good() {
        let pairs = ["user:", ":", "a b:"].map { Base64Text.encode($0 + Self.key) }
        for field in ["Bearer ", "bearer ", "BEARER   "].map({ $0 + Self.key }) + pairs.map({ "basic " + $0 }) {
            #expect((try? read(["Authorization": field]).get())?.publicID == 7, "\(field)")
        }
    }

    @Test("What is not shown is missing; what is no key is foreign; what nearly is one is mistyped")
    func bad() {
        #expect(read([:]) == .failure(.missing))
        let foreign = [
            "", "Bearer", "Bearer ", "Bearer hf_abc", "Digest \(Self.key)", Self.key, "Basic", "Basic !!!!",
            "Basic " + Base64Text.encode(Self.key), "Basic " + Base64Text.encode("u:hf_x"),
            "Basic " + String(repeating: "A", count: 4096),
        ]
        for field in foreign { #expect(read(["Authorization": field]) == .failure(.foreign), "\(field)") }
        let mistyped = [
            "Bearer \(Self.key) ", "Bearer \(Self.key),x", "Bearer hg_", "Basic " + Base64Text.encode("u:\(Self.key)x"),
        ]
        for field in mistyped { #expect(read(["Authorization": field]) == .failure(.mistyped), "\(field)") }
    }

    @Test("Of two fields the first counts")
    func twice() {
        var headers: Headers = ["Authorization": "Bearer hf_x"]
        headers.append("Authorization", "Bearer \(Self.key)")
        #expect(read(headers) == .failure(.foreign))
    }

    @Test("Base 64 is read only as it is written")
    func base64() {
        for text in ["", "a", "ab", "abc", "user:pass"] {
            let written = Array(Base64Text.encode(text).utf8)
            #expect(Base64.decode(written.span) == Array(text.utf8))
        }
        for text in ["a", "ab", "abc", "====", "a===", "ab=c", "YR==", "YWJ=", "YQ=", "Y Q=", "YQ==YQ=="] {
            let bytes = Array(text.utf8)
            #expect(Base64.decode(bytes.span) == nil, "\(text)")
        }
    }
}

/// What a client writes, for the tests.
enum Base64Text {
    static func encode(_ text: String) -> String {
        let plain = Base64URL.encode(Array(text.utf8)).replacing("-", with: "+").replacing("_", with: "/")
        return plain + String(repeating: "=", count: (4 - plain.count % 4) % 4)
    }
}
