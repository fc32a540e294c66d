@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The rest of what clients ask the sandbox")
struct SandboxServicesTests {
    @Test("Secrets are never shown, variables are")
    func secrets() throws {
        var caller = SandboxCaller()
        let base = "/api/spaces/sandbox/hello"
        let secret: JSON = ["key": "KEY", "value": "hidden", "description": "What for"]
        #expect(try caller.call(.post, "\(base)/secrets", secret).status == .ok)
        let shown = try caller.call(.get, "\(base)/secrets")
        #expect(shown.json?["KEY"]?["description"] == "What for")
        #expect(!String(decoding: shown.body, as: UTF8.self).contains("hidden"))
        #expect(try caller.call(.post, "\(base)/variables", ["key": "A", "value": "1"]).json?["A"]?["value"] == "1")
        #expect(try caller.call(.delete, "\(base)/variables", ["key": "A"]).json == [:])
        #expect(try caller.call(.delete, "\(base)/secrets", ["key": "KEY"]).status == .ok)
        #expect(try caller.call(.get, "\(base)/secrets").json == [:])
        #expect(try caller.call(.post, "\(base)/secrets", ["key": "1 2", "value": ""]).status == .badRequest)
        #expect(try caller.call(.get, "\(base)/secrets", token: "hf_other").status == .forbidden)
        #expect(try caller.call(.get, "/api/models/sandbox/demo/secrets").status == .notFound)
    }

    @Test("A space runs, sleeps and stops")
    func runtime() throws {
        var caller = SandboxCaller()
        let base = "/api/spaces/sandbox/hello"
        #expect(
            try caller.call(.post, "\(base)/hardware", ["flavor": "t4-small"]).json?["hardware"]?["current"]
                == "t4-small")
        #expect(try caller.call(.post, "\(base)/sleeptime", ["seconds": 60]).json?["gcTimeout"] == 60)
        #expect(try caller.call(.post, "\(base)/pause").json?["stage"] == "PAUSED")
        #expect(try caller.call(.get, "\(base)/runtime", token: nil).json?["stage"] == "PAUSED")
        #expect(try caller.call(.post, "\(base)/restart?factory=true").json?["stage"] == "RUNNING")
    }

    @Test("Likes")
    func likes() throws {
        var caller = SandboxCaller()
        #expect(try caller.call(.post, "/api/models/other/shared/like").status == .ok)
        #expect(try caller.call(.get, "/api/models/other/shared").json?["likes"] == 1)
        guard case .array(let liked)? = try caller.call(.get, "/api/users/sandbox/likes").json else {
            return #expect(Bool(false), "no list")
        }
        #expect(liked.first?["repo"] == ["name": "other/shared", "type": "model"])
        #expect(try caller.call(.delete, "/api/models/other/shared/like").status == .ok)
        #expect(try caller.call(.get, "/api/models/other/shared/likers").json == [])
        #expect(try caller.call(.get, "/api/users/nobody/likes").status == .notFound)
    }

    @Test("A duplicate has the files and a life of its own")
    func duplicate() throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.post, "/api/models/sandbox/demo/duplicate", ["repository": "acme/copy"])
        #expect(answer.json?["url"] == .string("\(SandboxCaller.origin)/acme/copy"))
        _ = try caller.call(.delete, "/api/repos/delete", ["name": "demo"])
        let linked = try caller.call(.get, "/acme/copy/resolve/main/model.safetensors")
        #expect(try caller.onCDN(.get, #require(linked.headers["Location"])).status == .ok)
    }

    @Test("A card's metadata is looked at")
    func cards() throws {
        var caller = SandboxCaller()
        func validate(_ text: String) throws -> Response {
            try caller.call(.post, "/api/validate-yaml", token: nil, ["content": .string(text), "repoType": "model"])
        }
        #expect(try validate("---\nlicense: mit\n---\n").json?["warnings"] == [])
        #expect(try validate("# Hello").json?["warnings"] != [])
        #expect(try validate("---\nlicense: mit\n").status == .badRequest)
    }

    @Test("What clients call unasked")
    func unasked() throws {
        var caller = SandboxCaller()
        #expect(
            try caller.call(.get, "/api/agent-harnesses", token: nil).json == ["standardEnvVars": [], "harnesses": [:]])
        #expect(try caller.call(.head, "/api/telemetry/space/x", token: nil).status == .ok)
    }

    @Test("A chat is answered whole, or in events that end with [DONE]")
    func inference() throws {
        var caller = SandboxCaller()
        let messages: JSON = [["role": "user", "content": "one two"]]
        let whole = try caller.call(.post, "/v1/chat/completions", ["model": "m", "messages": messages]).json
        guard case .array(let choices)? = whole?["choices"] else { return #expect(Bool(false), "no choices") }
        #expect(choices.first?["message"]?["content"] == "You said: one two")
        let order: JSON = ["model": "m", "messages": messages, "stream": true]
        let stream = try caller.call(.post, "/v1/chat/completions", order)
        let events = String(decoding: stream.body, as: UTF8.self).split(separator: "\n\n")
        #expect(stream.headers["Content-Type"] == "text/event-stream")
        #expect(events.count == 6 && events.allSatisfy { $0.hasPrefix("data: ") } && events.last == "data: [DONE]")
        #expect(try caller.call(.post, "/v1/chat/completions", token: nil, order).status == .unauthorized)
    }

    @Test("The journal can be read from outside, and does not tell of it")
    func journal() throws {
        var caller = SandboxCaller()
        _ = try caller.call(.get, "/api/models")
        let answer = try caller.call(.get, Sandbox.journalPath, token: nil)
        guard case .array(let entries)? = answer.json else { return #expect(Bool(false), "no list") }
        #expect(entries.count == 1 && entries[0]["target"] == "/api/models")
        #expect(entries[0]["origin"] == "hub" && entries[0]["authorization"] == true)
        #expect(caller.hub.journal.count == 1)
    }

    @Test("Digests are those of FIPS 180-4")
    func digests() {
        #expect(Digest.openSSL.sha256Hex(Array("abc".utf8)).hasPrefix("ba7816bf8f01cfea"))
        #expect(Digest.openSSL.sha256Hex([]).hasPrefix("e3b0c44298fc1c14"))
        #expect(Digest.openSSL.sha1(Array("abc".utf8)).prefix(4) == [0xA9, 0x99, 0x3E, 0x36])
    }
}
