@testable import HTTP
@testable import Hub
@testable import Sandbox
import Testing

/// What to send and what must come back.
struct SandboxRefusalCase: Sendable, CustomTestStringConvertible {
    let method: Method
    let target: String
    var token: String? = "hf_sandbox"
    var body: JSON?
    let status: Int
    /// A part of the message.
    let message: String
    var code: String?

    var testDescription: String { "\(method) \(target) as \(token ?? "nobody") -> \(status) \(message)" }
}

extension SandboxRefusalCase {
    private static func create(_ body: JSON, token: String? = "hf_sandbox", _ status: Int, _ message: String)
        -> SandboxRefusalCase
    {
        SandboxRefusalCase(
            method: .post, target: "/api/repos/create", token: token, body: body, status: status, message: message)
    }

    private static func set(
        _ repo: String, _ body: JSON?, token: String? = "hf_sandbox", _ status: Int, _ message: String,
        _ code: String? = nil
    ) -> SandboxRefusalCase {
        SandboxRefusalCase(
            method: .put, target: "/api/\(repo)/settings", token: token, body: body, status: status, message: message,
            code: code)
    }

    private static func move(
        _ from: String, _ to: String, token: String? = "hf_sandbox", _ status: Int, _ message: String,
        _ code: String? = nil
    ) -> SandboxRefusalCase {
        let body: JSON = ["fromRepo": .string(from), "toRepo": .string(to), "type": "model"]
        return SandboxRefusalCase(
            method: .post, target: "/api/repos/move", token: token, body: body, status: status, message: message,
            code: code)
    }

    private static func delete(
        _ body: JSON?, token: String? = "hf_sandbox", _ status: Int, _ message: String, _ code: String? = nil
    ) -> SandboxRefusalCase {
        SandboxRefusalCase(
            method: .delete, target: "/api/repos/delete", token: token, body: body, status: status, message: message,
            code: code)
    }

    private static func get(
        _ target: String, token: String? = "hf_sandbox", _ status: Int, _ message: String, _ code: String? = nil
    ) -> SandboxRefusalCase {
        SandboxRefusalCase(method: .get, target: target, token: token, status: status, message: message, code: code)
    }

    private static let stranger = "Invalid username or password."
    private static let unknown = "Invalid credentials in Authorization header"
    private static let missing = "Repository not found"
    private static let rights = "You don't have the rights to"
    private static let nameRule = "Only regular characters and '-', '_', '.' are accepted."

    static let reading: [SandboxRefusalCase] = [
        get("/api/whoami-v2", token: nil, 401, stranger),
        get("/api/whoami-v2", token: "hf_wrong", 401, unknown),
        get("/api/models", token: "hf_sandbox2", 401, unknown),
        get("/nowhere", token: "", 401, unknown),
        get("/api/models/acme/tiny-bert", token: nil, 401, stranger),
        get("/api/models/acme/missing", token: nil, 401, stranger),
        get("/api/models/missing", token: nil, 401, stranger),
        get("/api/models/acme/tiny-bert", token: "hf_other", 404, missing, "RepoNotFound"),
        get("/api/models/other/secret", 404, missing, "RepoNotFound"),
        get("/api/datasets/sandbox/demo", 404, missing, "RepoNotFound"),
        get("/api/models/Sandbox/demo", 404, missing, "RepoNotFound"),
        get("/api/models/sandbox/demo/revision/dev", 404, "Invalid rev id: dev", "RevisionNotFound"),
        get(
            "/api/models/sandbox/demo/revision/refs%2Fpr%2F1", 404, "Invalid rev id: refs%2Fpr%2F1", "RevisionNotFound"),
        get("/api/models/sandbox/demo/revision/%01", 404, "Invalid rev id", "RevisionNotFound"),
        get("/api/models/sandbox%2Fdemo", 400, "Invalid repo name"),
        get("/api/models/sandbox/a--b", 400, nameRule),
        get("/api/models/../whoami-v2", 400, nameRule),
        get("/api/models?limit=0", 400, "\"limit\""),
        get("/api/models?limit=many", 400, "\"limit\""),
        get("/api/account", 404, "Sorry, we can't find the page"),
        get("/api/Models/sandbox/demo", 404, "Sorry"),
        get("/api/spacess/sandbox/hello", 404, "Sorry"),
        get("/api/models/sandbox/demo/", 404, "Sorry"),
        get("/", 404, "Sorry"),
        get("*", 404, "Sorry"),
        get("/api/repos/create", 405, "Method not allowed"),
        SandboxRefusalCase(
            method: .post, target: "/api/models/sandbox/demo/settings", status: 405, message: "Method not allowed"),
        SandboxRefusalCase(method: .delete, target: "/api/whoami-v2", status: 405, message: "Method not allowed"),
    ]

    static let creating: [SandboxRefusalCase] = [
        create(["name": "a"], token: nil, 401, stranger),
        create(["name": "a"], token: "hf_wrong", 401, unknown),
        create(
            ["name": "a", "type": "spaces", "sdk": "static"], 400, "\"type\" must be one of [model, dataset, space]"),
        create(["name": "a", "type": "Model"], 400, "\"type\" must be one of"),
        create(["name": "a", "type": nil], 400, "\"type\" must be one of"),
        create(["name": "a", "type": "space"], 400, "\"sdk\" is required"),
        create(["name": "a", "type": "space", "sdk": "flask"], 400, "\"sdk\" must be one of"),
        create(["name": "a", "private": "true"], 400, "\"private\" must be a boolean"),
        create(["name": "a", "private": 1], 400, "\"private\" must be a boolean"),
        create(["name": "a", "visibility": "secret"], 400, "\"visibility\" must be one of"),
        create(["name": "a", "visibility": "protected"], 400, "\"visibility\" must be one of [public, private]"),
        create(["name": "a", "visibility": "private", "private": false], 400, "contradicts"),
        create(["type": "model"], 400, "\"name\" is required"),
        create(["name": 7], 400, "\"name\" must be a string"),
        create(["name": "a", "organization": 7], 400, "\"organization\" must be a string"),
        create(["name": ""], 400, nameRule),
        create(["name": "sandbox/a"], 400, nameRule),
        create(["name": "a--b"], 400, nameRule),
        create(["name": "a..b"], 400, nameRule),
        create(["name": "-a"], 400, nameRule),
        create(["name": "a."], 400, nameRule),
        create(["name": "a.git"], 400, "The name cannot end with \".git\""),
        create(["name": "ä"], 400, nameRule),
        create(["name": "a\r\nb"], 400, nameRule),
        create(["name": .string(String(repeating: "a", count: 97))], 400, "Max length is 96."),
        create(["name": "a", "organization": "../x"], 400, nameRule),
        create(["name"], 400, "must be a JSON object"),
        create(["name": "a", "organization": "other"], 403, "\(rights) create a model under the namespace \"other\""),
        create(["name": "a", "organization": "readers", "type": "dataset"], 403, "\(rights) create a dataset"),
        create(["name": "a", "organization": "acme"], token: "hf_other", 403, rights),
        create(
            ["name": "a"], token: "hf_sandbox_read", 403, "\(rights) create a model under the namespace \"sandbox\""),
        create(["name": "demo"], 409, "You already created this model repo"),
        create(["name": "hello", "type": "space", "sdk": "static"], 409, "You already created this space repo"),
    ]

    static let changing: [SandboxRefusalCase] = [
        set("models/sandbox/demo", ["private": true], token: nil, 401, stranger),
        set("models/sandbox/demo", ["private": true], token: "x", 401, unknown),
        set("models/sandbox/demo", ["private": "true"], 400, "\"private\" must be a boolean"),
        set("models/sandbox/demo", ["gated": true], 400, "\"gated\" must be one of [auto, manual, false]"),
        set("models/sandbox/demo", ["gated": "no"], 400, "\"gated\" must be one of"),
        set("models/sandbox/demo", ["visibility": "protected"], 400, "\"visibility\""),
        set("models/sandbox/demo", ["discussionsDisabled": 0], 400, "\"discussionsDisabled\" must be a boolean"),
        set("models/sandbox/demo", nil, 400, "application/json"),
        set("spaces/sandbox/hello", ["gated": "auto"], 400, "\"gated\" is not allowed"),
        set("models/other/shared", ["private": true], 403, "\(rights) change the settings of other/shared"),
        set("models/openai-community/gpt2", ["private": true], 403, rights),
        set("models/readers/notes", ["private": false], 403, rights),
        set("models/sandbox/demo", ["private": true], token: "hf_sandbox_read", 403, rights),
        set("models/sandbox/missing", ["private": true], 404, missing, "RepoNotFound"),
        set("models/other/secret", ["private": true], 404, missing, "RepoNotFound"),
        set("models/demo", ["private": true], 404, missing, "RepoNotFound"),
        set("spacess/sandbox/hello", ["private": true], 404, "Sorry"),

        delete(["name": "demo"], token: nil, 401, stranger),
        delete(nil, 400, "application/json"),
        delete(["type": "models", "name": "demo"], 400, "\"type\" must be one of"),
        delete(["name": "sandbox/demo"], 400, nameRule),
        delete(["name": "shared", "organization": "other"], 403, "\(rights) delete other/shared"),
        delete(["name": "notes", "organization": "readers"], 403, rights),
        delete(["name": "demo"], token: "hf_sandbox_read", 403, rights),
        delete(["name": "secret", "organization": "other"], 404, missing, "RepoNotFound"),
        delete(["name": "demo", "type": "dataset"], 404, missing, "RepoNotFound"),

        move("sandbox/demo", "sandbox/b", token: nil, 401, stranger),
        move("demo", "sandbox/b", 400, "\"fromRepo\" must be \"namespace/name\""),
        move("sandbox/demo", "b", 400, "\"toRepo\" must be \"namespace/name\""),
        move("sandbox/demo", "other/b", 403, "\(rights) create a model under the namespace \"other\""),
        move("other/shared", "sandbox/b", 403, "\(rights) move other/shared"),
        move("sandbox/demo", "sandbox/b", token: "hf_sandbox_read", 403, rights),
        move("sandbox/missing", "sandbox/b", 404, missing, "RepoNotFound"),
        move("sandbox/demo", "acme/tiny-bert", 409, "You already created this model repo"),
        SandboxRefusalCase(
            method: .post, target: "/api/repos/move", body: ["fromRepo": "sandbox/demo", "toRepo": "sandbox/b"],
            status: 400,
            message: "\"type\" is required"),
    ]
}
