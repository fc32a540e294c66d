@testable import Hub
import Testing

@Suite struct TokenRightsTests {
    @Test("What is no account throws, and what the Hub leaves out is not known")
    func odd() throws {
        for text in ["", "[]", "{}", #"{"name":1}"#, #"{"name":"a/b"}"#, #"{"name":"..%2F"}"#] {
            #expect(throws: Failure.self, "\(text)") { _ = try TokenRights(account: Array(text.utf8)) }
        }
        let bare = try TokenRights(account: Array(#"{"name":"robot","orgs":[1,{"name":"acme"}]}"#.utf8))
        #expect(bare.mayChange("robot").may == nil && bare.mayChange("acme").may == nil)
        let writer = try TokenRights(
            account: Array(#"{"name":"robot","orgs":[{"name":"acme"}],"auth":{"accessToken":{"role":"write"}}}"#.utf8))
        #expect(writer.mayChange("ROBOT").may == true && writer.mayChange("acme").may == nil)
        #expect(writer.mayChange("other").may == false)
    }
}
