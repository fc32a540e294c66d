@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct ProtectionTests {
    private let protection: Protection

    init() throws {
        protection = Protection([try ResourcePattern("acme/prod-*"), try ResourcePattern("dataset:acme/gold")])
    }

    private func failure(
        _ method: Method, _ path: String, _ body: String = "", confirm: String? = nil
    ) throws -> Failure? {
        let target = try Target(path)
        let operation = HubOperation.find(method, target)
        var headers: Headers = ["Content-Type": "application/json"]
        if let confirm { headers.append(Protection.field, confirm) }
        do throws(Failure) {
            let needs =
                protection.needsBody(operation) ? try operation.needs(headers, Array(body.utf8)) : [operation.need]
            try protection.check(operation, needs, target, headers)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "What deletes, moves or publishes a protected repository takes its name twice",
        arguments: [
            (Method.delete, "/api/repos/delete", #"{"name":"acme/prod-x"}"#, "acme/prod-x"),
            (.delete, "/api/repos/delete", #"{"name":"ACME/Prod-x"}"#, "ACME/Prod-x"),
            (.delete, "/api/repos/delete", #"{"name":"prod-x"}"#, "prod-x"),
            (.delete, "/api/repos/delete", #"{"type":"dataset","name":"acme/gold"}"#, "acme/gold"),
            (
                .post, "/api/repos/move", #"{"fromRepo":"acme/prod-x","toRepo":"acme/prod-y"}"#,
                "acme/prod-x, acme/prod-y"
            ),
            (.put, "/api/models/acme/prod-x/settings", #"{"private":false}"#, "acme/prod-x"),
            (.put, "/api/models/acme/prod-x/settings", #"{"gated":"auto"}"#, "acme/prod-x"),
            (.put, "/api/models/acme/prod-x/settings", #"{"gated":null}"#, "acme/prod-x"),
            (.post, "/api/repos/create", #"{"name":"acme/prod-x"}"#, "acme/prod-x"),
            (.post, "/api/models/a/b/duplicate", #"{"repository":"acme/prod-x"}"#, "acme/prod-x"),
            (.delete, "/api/buckets/acme/prod-x", "", "acme/prod-x"),
            (.delete, "/api/models/acme/prod-x", "", "acme/prod-x"),
        ])
    func guarded(_ method: Method, _ path: String, _ body: String, _ names: String) throws {
        let refusal = try #require(try failure(method, path, body))
        #expect(refusal.code == "ConfirmationRequired" && refusal.status == .forbidden)
        #expect(refusal.detail.contains("\"X-Hubgate-Confirm: \(names)\""), "\(refusal.detail)")
        #expect(try failure(method, path, body, confirm: names) == nil)
        #expect(try failure(method, path, body, confirm: "acme/other") == refusal)
    }

    @Test(
        "Nothing else does",
        arguments: [
            (Method.delete, "/api/repos/delete", #"{"name":"acme/gold"}"#),
            (.delete, "/api/repos/delete", #"{"name":"other/prod-x"}"#),
            (.put, "/api/models/acme/prod-x/settings", #"{"private":true}"#),
            (.put, "/api/models/acme/prod-x/settings", #"{"gated":"manual"}"#),
            (.put, "/api/models/acme/x/settings", "not read"),
            (.post, "/api/repos/create", #"{"name":"acme/prod-x","private":true}"#),
            (.post, "/api/models/acme/prod-x/commit/main", ""), (.get, "/api/models/acme/prod-x", ""),
            (.get, "/api//models/acme/prod-x", ""), (.post, "/some/page", ""),
        ])
    func others(_ method: Method, _ path: String, _ body: String) throws {
        #expect(try failure(method, path, body) == nil)
    }

    @Test(
        "A change that cannot be told is refused",
        arguments: [
            (Method.delete, "/api//repos/delete"), (.post, "/api/repos/delete"), (.put, "/api/repos/anything"),
            (.get, "/api/repos/delete?_method=DELETE"), (.get, "/api/repos/delete?%5Fmethod=DELETE"),
            (.get, "/api/repos/delete?a=1;_method=DELETE"), (.post, "/api/models/acme/prod-x?+_method=DELETE"),
            (.get, "/api/models/acme/prod-x?[_method]=DELETE"), (.delete, "/api/models/acme/prod%2Dx"),
        ])
    func unclear(_ method: Method, _ path: String) throws {
        #expect(try failure(method, path, #"{"name":"acme/prod-x"}"#, confirm: "acme/prod-x")?.kind == .denied)
    }

    @Test("Where nothing is protected nothing is asked for")
    func off() throws {
        let off = Protection([])
        let operation = HubOperation.find(.delete, try Target("/api/repos/delete"))
        #expect(!off.isOn && !off.needsBody(operation))
        try off.check(operation, [HubNeed(.delete, HubResource(kind: .model, owner: "acme", name: "x"))], .root, [:])
    }

    @Test("Each name that is asked for is in the sentence once, and nothing of a client's that is no name")
    func sentence() throws {
        let text = try #require(try failure(.delete, "/api/repos/delete", #"{"name":"acme/prod-x"}"#)).detail
        #expect(
            text
                == "acme/prod-x is protected on this gateway. If you mean to delete it, send the request again with the header \"X-Hubgate-Confirm: acme/prod-x\"."
        )
        let made = try #require(try failure(.post, "/api/repos/create", #"{"name":"acme/prod-x","private":false}"#))
        #expect(made.detail.contains("mean to publish it"))
    }
}
