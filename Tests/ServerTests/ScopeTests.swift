@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct ScopeTests {
    private func scope(_ rules: String...) throws -> Scope { Scope(try rules.map { try Rule($0) }) }

    private func decision(_ scope: Scope, _ method: Method, _ path: String) throws -> AccessDecision {
        scope.decide(HubOperation.find(method, try Target(path)))
    }

    @Test("A refusal names the missing action and the resource; for what may not be read it is the Hub's own 404")
    func refusals() throws {
        let scope = try scope("read acme/*")
        let write = try #require(try decision(scope, .post, "/api/models/acme/x/commit/main").refusal)
        #expect(
            write.message
                == "No rule of this gateway key allows \"write\" on model:acme/x. Ask the operator of the gateway for it."
        )
        #expect(write.status == .forbidden && write.code == nil)
        let hidden = try #require(try decision(scope, .post, "/api/datasets/other/x/commit/main").refusal)
        #expect(hidden.message == "Repository not found" && hidden.status == .notFound && hidden.code == "RepoNotFound")
        let odd = try #require(try decision(scope, .get, "/api//models/acme/x").refusal)
        #expect(odd.status == .forbidden && odd.reason == .ambiguous)
        #expect(try decision(scope, .get, "/oauth/authorize").refusal?.reason == .notRelayed)
        #expect(try decision(self.scope("admin *"), .get, "/oauth/authorize").refusal?.reason == .notRelayed)
    }

    @Test("What a client sends does not get into a refusal's text")
    func texts() throws {
        let needs = [HubNeed(.infer, HubResource(model: "a\r\nX-Evil: 1\u{7F}é" + String(repeating: "x", count: 500)))]
        let message = try #require(try scope("infer acme/*").decide(needs).refusal).message
        #expect(message.utf8.allSatisfy { (0x20...0x7E).contains($0) } && message.utf8.count < 300)
    }

    @Test("A rule that denies fits a name in any case, one that allows in its own")
    func cases() throws {
        let scope = try scope("read *", "deny read Acme/Secret")
        for name in ["acme/secret", "ACME/SECRET", "Acme/Secret"] {
            #expect(try decision(scope, .get, "/api/models/\(name)").permit == nil)
        }
        #expect(try decision(scope, .get, "/api/models/acme/secret2").permit != nil)
        #expect(try decision(self.scope("read Acme/*"), .get, "/api/models/acme/x").permit == nil)
    }

    @Test(
        "A name without an owner is only within rules for everything or for it, and a rule against an owner may mean it"
    )
    func withoutOwner() throws {
        #expect(try decision(scope("read gpt2"), .get, "/gpt2/resolve/main/x").permit != nil)
        #expect(try decision(scope("read gpt*"), .get, "/api/models/gpt2").permit != nil)
        #expect(try decision(scope("read */*"), .get, "/api/models/gpt2").permit == nil)
        // The Hub might read acme/resolve as a repository's name.
        #expect(try decision(scope("read *", "deny read acme/*"), .get, "/acme/resolve/main/x").permit == nil)
    }

    @Test("read public is asked without the credential, unless another rule allows it with")
    func publics() throws {
        let scope = try scope("read public", "read acme/*", "deny read acme/secret")
        #expect(try decision(scope, .get, "/api/models/acme/x").permit?.withoutCredential == false)
        #expect(try decision(scope, .get, "/api/models/other/x").permit?.withoutCredential == true)
        #expect(try decision(scope, .get, "/api/models/acme/secret").permit == nil)
        #expect(try decision(scope, .get, "/api/models/other/x/xet-write-token/main").refusal?.status == .forbidden)
    }

    @Test(
        "What may show private names is asked without the credential, lists are filtered, and neither for who may read all"
    )
    func lists() throws {
        for (rules, hidden, filtered) in [
            (["reader acme/*"], true, Permit.Response.filtered), (["reader *"], false, .relayed),
            (["reader *", "deny read acme/secret"], true, .filtered),
        ] {
            let scope = Scope(try rules.map { try Rule($0) })
            #expect(try decision(scope, .get, "/api/trending").permit?.withoutCredential == hidden)
            #expect(try decision(scope, .get, "/models?author=acme").permit?.withoutCredential == hidden)
            #expect(try decision(scope, .get, "/api/datasets?author=acme").permit?.response == filtered)
        }
    }

    @Test("Every key may ask who it is, in one spelling; whether it may write is answered by its scope")
    func account() throws {
        #expect(try decision(scope("infer *"), .get, "/api/whoami-v2").permit?.response == .account)
        #expect(try decision(Scope([]), .get, "/api/whoami").permit?.response == .account)
        #expect(try decision(scope("infer *"), .get, "/api/whoami-v2/").permit == nil)
        #expect(
            try decision(scope("read acme/*"), .get, "/api/models/acme/x/auth-check/write").permit?.response
                == .writeAccess)
        #expect(
            try decision(scope("admin *"), .get, "/api/models/acme/x/auth-check/write").permit?.response == .writeAccess
        )
    }

    @Test("A scope without limits needs no body and lets odd paths pass; with one that denies it does neither")
    func unlimited() throws {
        let create = HubOperation.find(.post, try Target("/api/repos/create"))
        let chat = HubOperation.find(.post, try Target("/v1/chat/completions"), at: .router)
        let (all, some, infers) = (try scope("admin *"), try scope("admin *", "deny delete *"), try scope("infer *"))
        #expect(!all.needsBody(create) && some.needsBody(create) && infers.needsBody(create))
        #expect(!all.needsBody(chat) && !some.needsBody(chat) && !infers.needsBody(chat))
        #expect(try scope("infer a/*").needsBody(chat))
        #expect(try decision(all, .get, "/api//models").permit != nil)
        #expect(try decision(some, .get, "/api//models").permit == nil)
    }

    @Test("What is unknown about a repository is refused if anything about it is denied")
    func unknown() throws {
        let scope = try scope("admin *", "deny delete acme/secret")
        #expect(try decision(scope, .post, "/api/models/other/x/purge").permit != nil)
        #expect(try decision(scope, .post, "/api/models/acme/secret/purge").permit == nil)
        #expect(try decision(scope, .post, "/api/models/ACME/secret/purge").permit == nil)
    }

    @Test("The facade's calls need what the Hub's do")
    func facade() throws {
        func needs(_ text: String) throws -> [HubNeed] {
            try RepoCreation(facade: JSON.parse(Array(text.utf8), within: .order)).needs(account: "me-account")
        }
        let scope = try scope("create me-account/*")
        #expect(scope.decide(try needs(#"{"type":"model","name":"x","private":true}"#)).permit != nil)
        #expect(scope.decide(try needs(#"{"type":"model","name":"x","private":false}"#)).refusal?.action == .publish)
        #expect(scope.decide(try needs(#"{"type":"model","name":"acme/x","private":true}"#)).refusal?.action == .create)
        let update = try RepoUpdate(kind: .model, id: RepoID("acme/x"), isPrivate: false)
        #expect(try self.scope("settings acme/*").decide(update.needs(account: nil)).refusal?.action == .publish)
        let deletion = RepoDeletion(kind: .space, id: try RepoID("x"))
        #expect(try self.scope("delete acme/*").decide(deletion.needs(account: nil)).permit == nil)
        #expect(try self.scope("delete acme/*").decide(deletion.needs(account: "acme")).permit != nil)
        #expect(try self.scope("delete acme/*").decide([]).permit == nil)
    }

    @Test("An explanation says the operation, the needs, the decision and the rule, to people and to programs")
    func explanations() throws {
        let scope = try scope("read acme/*", "create acme/*", "deny read acme/secret")
        let body = Array(#"{"organization":"acme","name":"x"}"#.utf8)
        let create = Explanation(scope, .post, try Target("/api/repos/create"), body: body)
        #expect(
            create.text == """
                request     POST /api/repos/create
                operation   POST /api/repos/create
                needs       create model:acme/x; publish model:acme/x
                decision    refused with 403
                why         no rule allows publish on model:acme/x

                """)
        let secret = Explanation(scope, .get, try Target("/api/models/acme/secret"))
        #expect(secret.json["rule"] == "deny read acme/secret" && secret.json["decision"] == "refused with 404")
        let read = Explanation(scope, .get, try Target("/acme/x/resolve/main/a?token=secret"))
        #expect(
            read.json["rule"] == "allow read acme/*" && read.json["decision"] == "allowed"
                && !read.text.contains("secret"))
        let broken = Explanation(scope, .post, try Target("/api/repos/create"), body: Array(#"{"name":1}"#.utf8))
        #expect(broken.json["why"] == #"The field "name" must be a string, was a number."#)
        #expect(
            Explanation(scope, .get, try Target("/api//x")).json["why"]?.stringValue?.contains("needless escapes")
                == true)
    }
}
