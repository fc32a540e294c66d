@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct PrivateEntryFilterTests {
    private func filtered(_ text: String, cut: [Int] = [], _ rules: String = "read acme/*") throws -> String {
        var filter = PrivateEntryFilter(.model, Scope([try Rule(rules)]))
        let bytes = Array(text.utf8)
        var (output, start) = ([UInt8](), 0)
        for end in cut + [bytes.count] {
            output += try filter.rewrite(bytes.span.extracting(start..<end))
            start = end
        }
        try filter.finish()
        return String(decoding: output, as: UTF8.self)
    }

    @Test("A list says of what kind its entries are, and names no resource", arguments: ResourceKind.allCases)
    func kinds(kind: ResourceKind) throws {
        let list = HubOperation.find(.get, try Target("/api/\(kind.path)?author=acme"))
        #expect(list.resource.kind == nil && list.listedKind == (kind == .bucket ? nil : kind))
        #expect(HubOperation.find(.get, try Target("/api/\(kind.path)/acme/x")).listedKind == nil)
    }

    @Test(
        "An entry stays if it says that it is not private, or if it may be read",
        arguments: [
            (#"[]"#, #"[]"#), (#" [ ] "#, #"[] "#),
            (
                #"[{"id":"acme/x","private":true},{"id":"other/y","private":true},{"id":"other/z","private":false}]"#,
                #"[{"id":"acme/x","private":true},{"id":"other/z","private":false}]"#
            ),
            (#"[{"id":"other/y","private":true}]"#, #"[]"#),
            // What does not say, as with `expand`, may be private.
            (#"[{"id":"other/y"},{"id":"acme/y"}]"#, #"[{"id":"acme/y"}]"#),
            (
                #"[{"private":true,"id":"other\/y"}, {"id":"acme\/y", "private" : true}]"#,
                #"[{"id":"acme\/y", "private" : true}]"#
            ),
            (#"[{"pri\u0076ate":true,"id":"other/y"}]"#, #"[]"#),
            (#"[{"id":"other/y","private":false,"private":true}]"#, #"[]"#),
            (#"[{"id":"acme/a","id":"other/y"}]"#, #"[]"#),
            (#"[{"id":"other/y","private":"false"}]"#, #"[]"#), (#"[{"id":"other/y","x":{"private":false}}]"#, #"[]"#),
            (#"[{"id":"other/y","x":"\",\"private\":false,\"","private":true}]"#, #"[]"#),
            (
                #"[{"x":[{"id":"acme/x"},"]}"],"id":"other/y","private":true},{"id":"acme/x","tags":["a,b","]"],"d":{"e":[[1]]}}]"#,
                #"[{"id":"acme/x","tags":["a,b","]"],"d":{"e":[[1]]}}]"#
            ),
            (#"["acme/x",1,null,{"id":"ACME/x"},{"id":5},{"id":"acme/x/../../other/y"}]"#, #"[]"#),
        ])
    func entries(text: String, left: String) throws {
        #expect(try filtered(text) == left)
        for cut in 0...text.utf8.count { #expect(try filtered(text, cut: [cut]) == left, "cut at \(cut)") }
        #expect(try filtered(text, cut: Array(0...text.utf8.count)) == left)
    }

    @Test(
        "What is no array, or has no end, or goes on behind it, is refused",
        arguments: [#"{"models":[]}"#, "", "[", #"[{"id":"acme/x"}"#, "[]x", #"[{"id":"acme/x]"#, "[}]", "null"])
    func broken(text: String) {
        #expect(throws: Failure.self) { try filtered(text) }
    }

    @Test("An entry is bounded, and nothing of one that is too long goes out")
    func bounds() throws {
        let long = String(repeating: "x", count: PrivateEntryFilter.longestEntry)
        #expect(throws: Failure.self) { try filtered(#"[{"id":"acme/x","t":"\#(long)"}]"#) }
        let many = "[" + repeatElement(#"{"id":"acme/x","private":true}"#, count: 20_000).joined(separator: ",") + "]"
        #expect(try filtered(many) == many)
        #expect(
            try filtered(
                "[" + repeatElement(#"{"id":"b/x","private":true}"#, count: 20_000).joined(separator: ",") + "]")
                == "[]")
    }

    @Test("A rule for what is public does not show what is private")
    func publics() throws {
        #expect(
            try filtered(#"[{"id":"b/x","private":true},{"id":"b/y","private":false}]"#, "read public")
                == #"[{"id":"b/y","private":false}]"#)
    }

    private func filtered(_ text: String, _ rules: String) throws -> String { try filtered(text, cut: [], rules) }
}

@Suite struct KeyAccountViewTests {
    @Test("A key's account has its own name and the organisations in its scope, no address and no bills")
    func view() throws {
        let account = """
            {"type":"user","id":"1","name":"owner","fullname":"The Owner","email":"o@x.y","emailVerified":true,"canPay":true,
            "billingMode":"prepaid","periodEnd":1,"isPro":true,"avatarUrl":"/a.svg","newMember":"x","orgs":[
            {"type":"org","id":"2","name":"acme","fullname":"Acme","email":"a@x.y","canPay":true,"periodEnd":2,"roleInOrg":"admin"},
            {"type":"org","name":"other","roleInOrg":"admin"},{"name":{"a":1}},7],
            "auth":{"type":"access_token","accessToken":{"displayName":"the-hub-token","role":"write","token":"hf_x"}}}
            """
        let scope = Scope([try Rule("read acme/*"), try Rule("read public")])
        let json = try KeyAccountView.json(
            Array(account.utf8), key: "team-a", scope)
        #expect(
            json == [
                "type": "user", "id": "1", "name": "owner", "fullname": "The Owner", "isPro": true,
                "avatarUrl": "/a.svg",
                "orgs": [["type": "org", "id": "2", "name": "acme", "fullname": "Acme", "roleInOrg": "admin"]],
                "auth": [
                    "type": "access_token",
                    "accessToken": ["displayName": "team-a", "role": "fineGrained"],
                ],
            ])
        #expect(
            try KeyAccountView.json(Array(account.utf8), key: "k", Scope([try Rule("admin *")]))["orgs"]
                != [])
        #expect(throws: Failure.self) { try KeyAccountView.json(Array("[]".utf8), key: "k", scope) }
    }
}
