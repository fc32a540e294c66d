@testable import HTTP
@testable import Hub
import Testing

@Suite struct WhoAmITests {
    private func answer(_ text: String) throws(Failure) -> JSON {
        try JSON.parse(WhoAmI().answer(status: .ok, headers: [:], body: Array(text.utf8)))
    }

    @Test func `it is a GET without a body`() throws {
        let call = WhoAmI()
        #expect(call.method == .get && call.path == "/api/whoami-v2" && call.contentType == nil)
        #expect(try call.body == nil)
    }

    @Test func `of the access token only the harmless fields are left`() throws {
        let told = try answer(
            """
            {"name":"me","auth":{"type":"access_token","accessToken":{"displayName":"ci","role":"write",\
            "createdAt":"2026-01-01","fineGrained":{"scoped":[]},"token":"hf_secret","id":"x","lastFour":"cret"}}}
            """)
        #expect(
            told == [
                "name": "me",
                "auth": [
                    "type": "access_token",
                    "accessToken": [
                        "displayName": "ci", "role": "write", "createdAt": "2026-01-01", "fineGrained": ["scoped": []],
                    ],
                ],
            ])
    }

    @Test(arguments: [
        "{\"name\":\"me\",\"auth\":{\"accessToken\":\"hf_secret\"}}", "{\"auth\":\"hf_secret\"}",
        "{\"auth\":[\"hf_secret\"]}",
        "{\"auth\":{\"accessToken\":[{\"token\":\"hf_secret\"}]}}",
        "{\"auth\":{\"\\u0061ccessToken\":{\"t\":\"hf_secret\"}}}",
    ])
    func `a token in another shape does not come through either`(text: String) throws {
        #expect(try !String(decoding: answer(text).encoded(), as: UTF8.self).contains("hf_"))
    }

    @Test(arguments: [
        "{}", "{\"name\":\"me\"}", "{\"auth\":{}}", "{\"plan\":null,\"periodEnd\":1767225600,\"isPro\":false}",
        "{\"orgs\":[{\"name\":\"o\",\"roleInOrg\":\"admin\",\"x\":[1.5,null]}],\"type\":\"org\"}",
        "{\"auth\":{\"type\":\"app_token\",\"expiresAt\":\"2026\"}}",
        "{\"periodEnd\":\"x\",\"orgs\":[\"o\"],\"plan\":\"p\"}",
    ])
    func `all other fields pass unchanged, whatever their type`(text: String) throws {
        #expect(try answer(text) == json(text))
    }

    @Test(arguments: [
        "", "[]", "null", "\"hf_secret\"", "<html>", "{\"auth\":1,\"auth\":{\"accessToken\":{\"t\":1}}}", "{",
    ])
    func `what is no account is a broken Hub and is not shown`(text: String) {
        let thrown = failure { () throws(Failure) in _ = try answer(text) }
        #expect(thrown?.kind == .hubBroken)
        #expect(thrown?.detail.contains("hf_") == false)
    }
}
