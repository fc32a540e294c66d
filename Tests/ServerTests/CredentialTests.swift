@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

struct CredentialTests {
    @Test(
        "Bearer and Basic are taken, whatever their case; the word behind them stays to the byte",
        arguments: [
            ("Bearer hf_a", "Bearer hf_a"), ("bearer hf_a", "Bearer hf_a"), ("BASIC YTpiCg==", "Basic YTpiCg=="),
            ("Basic  YTpiCg==", "Basic YTpiCg=="),
        ])
    func retained(field: String, wanted: String) {
        #expect(Credential(field)?.reveal() == wanted)
    }

    @Test(
        "Anything else is no credential for the Hub",
        arguments: [
            "", "Bearer", "Basic ", "hf_a", "Digest a", "Basic a b", "Basic a,b c", "Bearer \u{e9}", "Basic a\tb",
        ])
    func refused(field: String) {
        #expect(Credential(field) == nil)
    }

    @Test("It never prints")
    func printing() throws {
        let credential = try #require(Credential("Basic T3BlblNlc2FtZQ=="))
        var dumped = ""
        dump(credential, to: &dumped)
        for text in ["\(credential)", String(reflecting: credential), dumped] { #expect(!text.contains("T3Blbl")) }
    }

    @Test("Two schemes with the same word are two credentials")
    func schemes() {
        #expect(Credential("Basic a") != Credential("Bearer a"))
        #expect(Credential("Basic a") == Credential("basic a"))
    }
}
