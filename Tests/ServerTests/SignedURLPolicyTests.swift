@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("What is signed, and for how long")
struct SignedURLPolicyTests {
    private let now = 1_000_000
    private let day = 86_400

    private func path(_ url: String, _ use: SignedURLCodec.Use = .read) -> Result<String, Failure> {
        Result { () throws(Failure) in try SignedURLPolicy.example.path(to: url, for: use, now: now) }
    }

    private func isOpen(_ path: String, _ method: HTTP.Method = .get, at time: Int) throws -> Bool {
        do {
            _ = try SignedURLPolicy.example.open(try Target(hub: path), method, now: time)
            return true
        } catch Failure.signedURLExpired {
            return false
        }
    }

    @Test(
        "It lasts a day, or as long as what it holds, at most a week",
        arguments: [
            ("", 1), ("?x=1", 1), ("?X-Amz-Expires=900", 1), ("?X-Amz-Expires=172800&X-Amz-Signature=x", 2),
            ("?x-amz-expires=99999999", 7), ("?Expires=1259200&Signature=x", 3), ("?Expires=5", 1), ("?Expires=-1", 1),
            ("?Expires=9999999999999999999999", 1), ("?Expires", 1),
        ])
    func life(_ query: String, _ days: Int) throws {
        let path = try path("https://hf.co/x\(query)").get()
        #expect(try isOpen(path, at: now + days * day))
        #expect(try !isOpen(path, at: now + days * day + 1))
    }

    @Test(
        "Only the Hub's stores are signed, each for its use",
        arguments: [
            ("https://cdn-lfs.hf.co/x", [.read, .upload, .base]),
            ("https://huggingface.co/x", [.complete, .verify, .base]),
            ("https://hf-hub-lfs-us-east-1.s3-accelerate.amazonaws.com/x", [.read, .upload, .base]),
            ("https://other.s3-accelerate.amazonaws.com/x", []), ("http://hf.co/x", []), ("https://hf.co:22/x", []),
            ("https://169.254.169.254/latest", []), ("https://evil.example/.hf.co", []), ("/x", []), ("", []),
            ("https://hf.co@evil.example/", []), ("https://evil.example\0.hf.co/", []),
            ("https://evil.example\n.hf.co/", []), ("https://hf.co/a b", []), ("https://evil.example%2f.hf.co/", []),
            ("https://еvil.hf.co/", []), ("//hf.co/x", []), ("file://hf.co/etc/passwd", []),
        ] as [(String, [SignedURLCodec.Use])])
    func places(_ url: String, _ uses: [SignedURLCodec.Use]) {
        for use in SignedURLCodec.Use.allCases {
            let signed = path(url, use)
            #expect(((try? signed.get()) != nil) == uses.contains(use), "\(use)")
            // A URL that is signed all the same, with the right key, is not opened.
            let forced = SignedURLCodec.example.path(to: url, for: use, until: now)
            let opened = Result { try SignedURLPolicy.example.open(try Target(hub: forced), use.methods[0], now: now) }
            #expect(((try? opened.get()) != nil) == uses.contains(use), "\(use)")
        }
    }

    @Test("A base has no query", arguments: ["https://hf.co/a?x", "https://hf.co/a#x", #"https://hf.co/a\x"#])
    func base(_ url: String) {
        #expect(path(url, .base) == .failure(.contentElsewhere("hf.co")))
    }

    @Test("A pre-signed URL of 2 KB fits the default limit; one that nobody could ask for is an error")
    func length() throws {
        let signed = "https://hf.co/" + String(repeating: "x", count: 2048)
        #expect(try path(signed).get().utf8.count < 3000)
        let long = "https://hf.co/" + String(repeating: "x", count: 6100)
        #expect(path(long) == .failure(.tooLongToSign("hf.co", limit: 8192)))
        let base = "https://hf.co/" + String(repeating: "x", count: 5800)
        #expect(path(base, .base) == .failure(.tooLongToSign("hf.co", limit: 8192)))
        #expect(try path(base).get().utf8.count < 8192)
    }
}
