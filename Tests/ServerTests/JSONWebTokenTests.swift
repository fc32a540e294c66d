@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// The examples of the specifications, with a `kid` where ours has to have one.
private enum Example {
    /// RFC 7515 appendix A.2.
    static let rsaN = """
        ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
        D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV\
        MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ
        """
    static let rsaSigned =
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    static let rsaSignature = """
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ\
        cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e\
        OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
        """
    /// RFC 7515 appendix A.3.
    static let ecX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    static let ecY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    static let ecSigned =
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    static let ecSignature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    /// RFC 8037 appendix A.4.
    static let edX = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    static let edSigned = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    static let edSignature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
}

private func bytes(_ text: String) -> [UInt8] { Base64URL.decode(text.utf8) ?? [] }

private func refusal<Value>(_ body: () throws(TokenRefusal) -> Value) -> TokenRefusal? {
    do throws(TokenRefusal) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

private func token(_ header: String, _ payload: String = "{}", signature: String = "AAAA") -> String {
    "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(payload.utf8)).\(signature)"
}

@Suite struct JSONWebTokenTests {
    private static let examples: [(PublicKey.Algorithm, [UInt8], [UInt8], String, String)] = [
        (.rs256, bytes(Example.rsaN), [1, 0, 1], Example.rsaSigned, Example.rsaSignature),
        (.es256, bytes(Example.ecX), bytes(Example.ecY), Example.ecSigned, Example.ecSignature),
        (.edDSA, bytes(Example.edX), [], Example.edSigned, Example.edSignature),
    ]

    @Test("The signatures of the specifications' examples are good, and none is with one bit changed anywhere")
    func examples() throws {
        for (algorithm, first, second, signed, signature) in Self.examples {
            let key = try #require(PublicKey(algorithm, first, second))
            let (signed, signature) = (Array(signed.utf8), bytes(signature))
            #expect(key.verifies(signature, of: signed))
            for index in signature.indices {
                var other = signature
                other[index] ^= 1 << UInt8(index % 8)
                #expect(!key.verifies(other, of: signed))
            }
            for index in signed.indices {
                var other = signed
                other[index] ^= 1 << UInt8(index % 8)
                #expect(!key.verifies(signature, of: other))
            }
            for other in [
                [], [0], Array(signature.dropLast()), signature + [0], [0] + signature,
                [UInt8](repeating: 0, count: 64),
            ] {
                #expect(!key.verifies(other, of: signed))
            }
        }
    }

    @Test("A key that is weak, endless, off its curve or cut is none")
    func badKeys() {
        let n = bytes(Example.rsaN)
        for modulus in [
            Array(n.prefix(128)), Array(n.dropLast()) + [n[255] & 0xFE], [], n + [UInt8](repeating: 1, count: 900),
        ] {
            #expect(PublicKey(.rs256, modulus, [1, 0, 1]) == nil)
        }
        for exponent in [[], [1], [2], [0], [UInt8](repeating: 0xFF, count: 9)] as [[UInt8]] {
            #expect(PublicKey(.rs256, n, exponent) == nil)
        }
        let (x, y) = (bytes(Example.ecX), bytes(Example.ecY))
        #expect(PublicKey(.es256, y, x) == nil && PublicKey(.es256, x, Array(y.dropLast())) == nil)
        #expect(PublicKey(.es256, x + [0], y) == nil && PublicKey(.es256, [], []) == nil)
        let zeros = [UInt8](repeating: 0, count: 32)
        #expect(PublicKey(.es256, zeros, zeros) == nil)
        #expect(PublicKey(.edDSA, Array(x.dropLast())) == nil && PublicKey(.edDSA, []) == nil)
    }

    @Test(
        "What is no token in the one form that is read is refused",
        arguments: [
            "", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.AAAA", token("[]"), token("{}"),
            token(#"{"alg":"none","kid":"a"}"#),
            token(#"{"alg":"HS256","kid":"a"}"#), token(#"{"alg":"RS256"}"#), token(#"{"alg":"RS256","kid":""}"#),
            token(#"{"alg":"RS256","kid":1}"#), token(#"{"alg":"RS256","kid":"a","crit":[]}"#),
            token(#"{"alg":"RS256","kid":"a","alg":"RS256"}"#), token(#"{"alg":"RS256","kid":"a","typ":"at+jwt"}"#),
            token(#"{"alg":"RS256","kid":"a"}"#, "[]"), token(#"{"alg":"RS256","kid":"a"}"#, #"{"a":1,"a":1}"#),
            token(#"{"alg":"RS256","kid":"a"}"#, signature: ""),
            token(#"{"alg":"RS256","kid":"a"}"#, signature: "AAAAA"),
            token(#"{"alg":"RS256","kid":"a"}"#, signature: "AA=="), token(#"{"alg":"RS256","kid":"a"}"#) + ".AAAA",
            token(#"{"alg":"RS256","kid":"a"}"#, signature: String(repeating: "A", count: 2000)),
            token(#"{"alg":"RS256","kid":"a"}"#, String(repeating: " ", count: 17 << 10) + "{}"),
        ])
    func malformed(_ text: String) {
        #expect(refusal { () throws(TokenRefusal) in try JSONWebToken(text) }?.kind == .malformed)
    }

    @Test("A token that is right is read to the byte")
    func read() throws {
        let token = try JSONWebToken(token(#"{"alg":"ES256","kid":"a","typ":"jwt"}"#, #"{"iss":"i","sub":"s"}"#))
        #expect(
            token.algorithm == .es256 && token.keyID == "a" && token.subject == "s" && token.signature == [0, 0, 0])
        #expect(try token.issuer == "i")
        #expect(String(decoding: token.signed, as: UTF8.self).hasSuffix(".eyJpc3MiOiJpIiwic3ViIjoicyJ9"))
    }

    @Test("Of a hundred thousand mutations of a token and of a set of keys none traps, and none is genuine")
    func mutations() throws {
        let keys =
            #"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"\#(Example.edX)"},{"kty":"EC","crv":"P-256","kid":"b","x":"\#(Example.ecX)","y":"\#(Example.ecY)"}]}"#
        let set = try JSONWebKeySet(Array(keys.utf8))
        let text = Array(
            token(
                #"{"alg":"EdDSA","kid":"a"}"#, #"{"iss":"x","aud":["y"],"exp":99999999999,"nbf":0.5,"sub":"z"}"#,
                signature: Example.edSignature
            ).utf8)
        let rule = LoginRule(
            name: "r", issuer: "x", audiences: ["y"], claims: [ClaimCondition("sub=z")!], role: "reader")
        var generator = SystemRandomNumberGenerator()
        func mutated(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: index)
                default: bytes.append(contentsOf: bytes[index...])
                }
            }
            return bytes
        }
        for _ in 0..<50_000 {
            let other = String(decoding: mutated(text), as: UTF8.self)
            if let token = try? JSONWebToken(other) {
                #expect((try? set.verify(token)) == nil)
                _ = try? TokenJudgement.checkTimes(token.claims, now: 1)
                _ = try? TokenJudgement.rule(for: token.claims, among: [rule])
            }
            _ = try? JSONWebKeySet(mutated(Array(keys.utf8)))
        }
    }
}

@Suite struct TokenJudgementTests {
    private func refused(_ claims: [String: JSON], at now: Int64 = 1000) -> TokenRefusal.Kind? {
        refusal { () throws(TokenRefusal) in try TokenJudgement.checkTimes(claims, now: now) }?.kind
    }

    @Test("Times hold with a minute of leeway, to the second, and no number is too large to be read")
    func times() {
        #expect(refused(["exp": 941]) == nil && refused(["exp": 940]) == .untimely)
        #expect(refused(["exp": 2000, "nbf": 1060]) == nil && refused(["exp": 2000, "nbf": 1061]) == .untimely)
        #expect(refused(["exp": 2000, "iat": 1060.0]) == nil && refused(["exp": 2000, "iat": 1060.5]) == .untimely)
        #expect(
            refused([:]) == .malformed && refused(["exp": "2000"]) == .malformed
                && refused(["exp": .null]) == .malformed)
        for number in [JSON.integer(.min), .number(-1e308), .number(-.infinity), .number(.nan)] {
            #expect(refused(["exp": number]) != nil)
        }
        for number in [JSON.integer(.max), .number(1e308)] {
            #expect(refused(["exp": number]) == nil)
            #expect(refused(["exp": 2000, "nbf": number]) == .untimely)
        }
    }

    private func chosen(_ claims: [String: JSON], _ conditions: [[String]]) -> Result<String, TokenRefusal> {
        let rules = conditions.enumerated().map { index, texts in
            LoginRule(
                name: String(index), issuer: "i", audiences: ["a", "b"],
                claims: texts.compactMap { ClaimCondition($0) }, role: "reader")
        }
        do throws(TokenRefusal) {
            return .success(try TokenJudgement.rule(for: claims.merging(["aud": "a"]) { $1 }, among: rules).name)
        } catch {
            return .failure(error)
        }
    }

    @Test("The first rule counts all of whose conditions hold, to the byte")
    func rules() {
        let claims: [String: JSON] = ["sub": "repo:acme/app", "n": 7, "yes": true, "list": ["x"], "none": .null]
        #expect(chosen(claims, [["sub=repo:acme/app", "n=8"], ["sub=repo:acme/app", "n=7"]]) == .success("1"))
        #expect(
            chosen(claims, [["sub~repo:acme/*"]]) == .success("0") && chosen(claims, [["yes=true"]]) == .success("0"))
        for condition in [
            "sub=repo:acme/*", "sub~repo:acme", "sub~acme/*", "sub~repo:ACME/*", "list=x", "list~*x*", "none=null",
            "none~*", "gone~*", "n=7.0",
        ] {
            guard case .failure(let refusal) = chosen(claims, [[condition]]) else {
                Issue.record("\(condition) held")
                continue
            }
            #expect(refusal.kind == .claims)
        }
        // The same text to a reader, and other bytes.
        #expect(chosen(["sub": "e\u{301}"], [["sub=\u{E9}"]]) != .success("0"))
    }

    @Test("A condition is a name, = or ~, and a value, in which either may stand")
    func conditions() {
        #expect(ClaimCondition("sub=a=b~c") == ClaimCondition(name: "sub", value: "a=b~c", isPattern: false))
        #expect(ClaimCondition("sub~a=*") == ClaimCondition(name: "sub", value: "a=*", isPattern: true))
        for text in ["", "=", "a=", "=a", "sub", "~*"] { #expect(ClaimCondition(text) == nil) }
        #expect(ClaimCondition("a~**")?.isVoid == true && ClaimCondition("a=*")?.isVoid == false)
    }

    @Test("A form is read as OAuth has it, and nothing in it twice")
    func forms() throws {
        let form = try OAuthParameters(Array("a=1+2%26&b=&c".utf8), mediaType: "application/x-www-form-urlencoded")
        #expect(form["a"] == "1 2&" && form["b"] == "" && form["c"] == "" && form["d"] == nil)
        for text in ["a=1&a=1", "%61=1&a=2", "a=%", "a=%4", "a=%zz", "a=%ff"] {
            #expect(throws: OAuthError.self) {
                try OAuthParameters(Array(text.utf8), mediaType: "application/x-www-form-urlencoded")
            }
        }
    }

    @Test("The settings' text of logins is read back the same")
    func roundTrip() throws {
        let text =
            #"{ci: {issuer: "https://i.example/x", audience: [a, "b c"], claims: ["sub~repo:\"*", 'n=7'], role: writer, as: acme, lifetime: 90s, keys: 5}, k8s: {issuer: k, claims: [sub=s], role: reader, jwks_url: "https://k.example/keys"}}"#
        let rules = try setting("logins")
        var settings = Settings()
        try rules.read(text, &settings)
        #expect(settings.logins.rules.map(\.name) == ["ci", "k8s"] && settings.logins.rules[0].lifetime == 90)
        var again = Settings()
        try rules.read(rules.text(settings), &again)
        #expect(again.logins == settings.logins)
    }
}
