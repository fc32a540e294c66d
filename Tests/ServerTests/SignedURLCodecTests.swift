@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Signed URLs")
struct SignedURLCodecTests {
    private let codec = SignedURLCodec.example
    private let url = "https://cdn-lfs.hf.co/repos/a%2Fb?X-Amz-Expires=900&X-Amz-Signature=00ff&x=%20+"

    private func open(
        _ path: String, _ method: Method = .get, now: Int = 1000, codec: SignedURLCodec = .example
    ) -> Result<SignedURLCodec.Opened, Failure> {
        Result { () throws(Failure) in try codec.open(try Target(hub: path), method, now: now) }
    }

    @Test("A signed URL opens for what it was made for, until its end, and to the byte")
    func opens() {
        let path = codec.path(to: url, for: .read, until: 1000)
        #expect(path.hasPrefix("/-/signed/r1000."))
        #expect(path.utf8.allSatisfy { $0.isUnreserved || $0 == UInt8(ascii: "/") })
        #expect(open(path) == .success(SignedURLCodec.Opened(use: .read, url: url, below: "")))
        #expect(open(path, .head) == open(path))
        #expect(open(path, now: 1001) == .failure(.signedURLExpired))
    }

    @Test(
        "It cannot be used for anything else",
        arguments: [
            (.read, [.get, .head]), (.upload, [.put]), (.complete, [.post]), (.verify, [.post]),
            (.base, [.get, .head, .post, .put]),
        ] as [(SignedURLCodec.Use, [HTTP.Method])])
    func methods(_ use: SignedURLCodec.Use, _ allowed: [HTTP.Method]) {
        let path = codec.path(to: "https://hf.co/x", for: use, until: 1000)
        for method in [HTTP.Method.get, .head, .put, .post, .delete, .patch, .options] {
            let opened = open(path, method)
            if allowed.contains(method) {
                #expect((try? opened.get())?.use == use)
            } else {
                #expect(opened == .failure(.methodNotAllowed(method, allow: allowed)))
            }
        }
    }

    @Test("Changing any one character of it, or taking one away, breaks it")
    func changed() {
        let path = Array(codec.path(to: "https://hf.co/x", for: .read, until: 1000).utf8)
        for position in "/-/signed/".utf8.count..<path.count {
            for other in "Aa0_/.".utf8 where other != path[position] {
                var changed = path
                changed[position] = other
                #expect(open(String(decoding: changed, as: UTF8.self)) == .failure(.signedURLInvalid))
            }
            var shorter = path
            shorter.remove(at: position)
            #expect(open(String(decoding: shorter, as: UTF8.self)) == .failure(.signedURLInvalid))
        }
    }

    @Test("Nothing but the key's owner makes one")
    func forged() throws {
        let other = SignedURLCodec(key: SignedURLKey(token: try Secret(Array("hf_fakeTokenOfTheGatewaz".utf8))))
        #expect(open(other.path(to: url, for: .read, until: 1000)) == .failure(.signedURLInvalid))
        #expect(
            open(SignedURLCodec(key: .ofThisStart).path(to: url, for: .read, until: 1000))
                == .failure(.signedURLInvalid))
        let content = Base64URL.encode("https://hf.co/x".utf8)
        for path in [
            "", "/", "r1000", "r1000/", "r1000/\(content)", "r1000./\(content)", ".AAAA/\(content)", "//",
            "r1000.AAAA/",
            "r1000.\(String(repeating: "A", count: 43))/\(content)", "%72/x", "?", "r1000?x",
        ] {
            #expect(open("/-/signed/\(path)") == .failure(.signedURLInvalid))
        }
    }

    @Test("Gateways with the same token accept each other's; the token is not the key")
    func shared() throws {
        let same = SignedURLCodec(key: SignedURLKey(token: .example))
        #expect((try? open(same.path(to: url, for: .read, until: 1000)).get())?.url == url)
        let direct = HMACSHA256.make(of: "r1000/x", with: .example)
        #expect(SignedURLKey.example.code(of: "r1000/x") != direct)
    }

    @Test("Nothing is put behind an exact URL", arguments: ["/", "/x", "?", "?x=1", "/../x"])
    func exact(_ more: String) {
        for use in [SignedURLCodec.Use.read, .upload, .complete] {
            let path = codec.path(to: url, for: use, until: 1000)
            #expect(open(path + more, use.methods[0]) == .failure(.signedURLInvalid))
        }
    }

    @Test(
        "What follows a base is put behind it, as it came",
        arguments: ["", "/", "/v2/reconstructions/ab%2Fc?range=1-2&x=", "?", "//x", "/a..b/...", "/v1/%61"])
    func below(_ more: String) {
        let base = "https://cas-server.xethub.hf.co/at"
        let opened = open(codec.path(to: base, for: .base, until: 1000) + more)
        #expect((try? opened.get())?.whole == base + more)
    }

    @Test(
        "Nothing climbs out of a base",
        arguments: [
            "/..", "/../x", "/a/../../x", "/%2e%2E/x", "/.%2e", "/a%2F..%2Fb", "/.", "/..%5Cx", #"/a\b"#,
            "/..%2F%CC%81x", "/..%5C%CC%81x", "/a\\\u{301}b",
        ])
    func climbing(_ more: String) {
        let opened = open(codec.path(to: "https://hf.co/at", for: .base, until: 1000) + more)
        guard case .failure(let failure) = opened else {
            Issue.record("\(opened)")
            return
        }
        #expect(failure.kind == .badRequest)
    }

    @Test("HMAC is RFC 4231's")
    func vector() throws {
        let code = HMACSHA256.make(of: "what do ya want for nothing?", with: try Secret(Array("Jefe".utf8)))
        #expect(
            code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(HMACSHA256.isSame(code, code) && !HMACSHA256.isSame(code, Array(code.dropLast())))
    }
}

extension UInt8 {
    fileprivate var isUnreserved: Bool {
        let text = UnicodeScalar(self)
        return text.properties.isAlphabetic || ("0"..."9").contains(text) || "-._~".unicodeScalars.contains(text)
    }
}
