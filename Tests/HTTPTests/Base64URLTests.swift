@testable import HTTP
import Testing

@Suite struct Base64URLTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("\u{3FF}\u{3FF}??>>", "z7_Pvz8_Pj4"),
    ])
    func `text has one form, without padding`(text: String, encoded: String) {
        #expect(Base64URL.encode(text.utf8) == encoded)
        #expect(Base64URL.decode(encoded.utf8) == Array(text.utf8))
    }

    @Test(arguments: ["Z", "Zg==", "Zh", "Zm9", "Zm9v+", "Zm9v/", "Zm 9v", "Zm9v\n", "Zm9vé", "ZZZZZ"])
    func `what encoding cannot give is not taken`(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }

    @Test func `all bytes come back`() {
        let bytes = (0...255).map { UInt8($0) }
        for start in 0..<256 {
            #expect(Base64URL.decode(Base64URL.encode(bytes[start...]).utf8) == Array(bytes[start...]))
        }
    }
}
