@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The sandbox answers as the Hub does")
struct SandboxTests {
    static let routes: [(Method, String, Int)] = [
        (.get, "/api/whoami-v2", 200),
        (.get, "/api/models", 200),
        (.get, "/api/datasets", 200),
        (.get, "/api/spaces", 200),
        (.get, "/api/models/sandbox/demo", 200),
        (.get, "/api/models/sandbox/demo/revision/main", 200),
        (.get, "/api/models/acme/tiny-bert", 200),
        (.get, "/api/models/readers/notes", 200),
        (.get, "/api/datasets/sandbox/squad-mini", 200),
        (.get, "/api/datasets/sandbox/squad-mini/revision/main", 200),
        (.get, "/api/spaces/sandbox/hello", 200),
        (.get, "/api/models/gpt2", 307),
        (.get, "/api/models/gpt2/revision/main", 307),
        (.get, "/api/models/openai-community/gpt2", 200),
    ]

    @Test("Reading works, and HEAD is answered as GET", arguments: routes)
    func reads(method: Method, target: String, status: Int) throws {
        var caller = SandboxCaller()
        let got = try caller.call(method, target)
        let head = try caller.call(.head, target)
        #expect(got.status.code == status)
        #expect(head.status == got.status)
        #expect(head.body == got.body)
        #expect(head.headers["Content-Type"] == got.headers["Content-Type"])
        if status == 200 { #expect(got.headers["Content-Type"] == "application/json; charset=utf-8") }
    }

    @Test(
        "Every answer has a request id and tells the quota",
        arguments: [("/api/models", "hf_sandbox"), ("/api/nothing", "hf_sandbox"), ("/x", "wrong"), ("*", nil)])
    func everyAnswer(target: String, token: String?) throws {
        var caller = SandboxCaller()
        let (one, two) = (try caller.call(.get, target, token: token), try caller.call(.get, target, token: token))
        let kind = target.hasPrefix("/api") ? "api" : "pages"
        #expect(one.headers["X-Request-Id"] != two.headers["X-Request-Id"])
        #expect(two.headers["RateLimit"] == "\"\(kind)\";r=999998;t=300")
        #expect(two.headers["RateLimit-Policy"] == "\"fixed window\";\"\(kind)\";q=1000000;w=300")
    }

    @Test("The request id ends with the client's trace id")
    func traceID() throws {
        var caller = SandboxCaller()
        let request = Request(method: .get, target: try Target(hub: "/"), headers: ["x-amzn-trace-id": "abc"])
        #expect(caller.hub.answer(request).headers["X-Request-Id"] == "Root=sandbox-1;abc")
    }

    @Test(
        "whoami tells the account and the token's role, not the token",
        arguments: [
            ("hf_sandbox", "sandbox", "write", ["acme", "readers"]),
            ("hf_sandbox_read", "sandbox", "read", ["acme", "readers"]), ("hf_other", "other", "write", []),
        ])
    func whoAmI(token: String, name: String, role: String, orgs: [String]) throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.get, "/api/whoami-v2", token: token)
        #expect(answer.json?["name"] == .string(name))
        #expect(answer.json?["auth"]?["accessToken"]?["role"] == .string(role))
        guard case .array(let memberships)? = answer.json?["orgs"] else { return #expect(Bool(false), "no orgs") }
        #expect(memberships.compactMap { $0["name"]?.stringValue } == orgs)
        #expect(!String(decoding: answer.body, as: UTF8.self).contains(token))
    }

    static let creations: [(JSON, String, String)] = [
        (["name": "a", "organization": nil, "type": "model", "private": true], "sandbox/a", "sandbox/a"),
        (["name": "a"], "sandbox/a", "sandbox/a"),
        (["name": "a", "private": nil], "sandbox/a", "sandbox/a"),
        (
            ["name": "a", "organization": "acme", "type": "dataset", "visibility": "private"], "acme/a",
            "datasets/acme/a"
        ),
        (["name": "a", "type": "space", "sdk": "docker", "visibility": "protected"], "sandbox/a", "spaces/sandbox/a"),
        (["name": "a", "type": "space", "sdk": "static", "license": "mit"], "sandbox/a", "spaces/sandbox/a"),
    ]

    @Test("A repository can be created, and is there afterwards", arguments: creations)
    func creates(order: JSON, name: String, path: String) throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.post, "/api/repos/create", order)
        #expect(answer.status == .ok)
        #expect(answer.json?["name"] == .string(name))
        #expect(answer.json?["url"] == .string("\(SandboxCaller.origin)/\(path)"))
        let kind = order["type"]?.stringValue ?? "model"
        let info = try caller.call(.get, "/api/\(kind)s/\(name)")
        #expect(info.json?["_id"] == answer.json?["id"])
        #expect(info.json?["sdk"] == order["sdk"])
        let isPrivate = order["private"] == true || order["visibility"] == "private"
        #expect(info.json?["private"] == .bool(isPrivate))
        #expect(info.json?["createdAt"] == "2026-01-01T00:00:00.000Z")
        #expect(try caller.call(.get, "/api/\(kind)s/\(name)", token: nil).status.code == (isPrivate ? 401 : 200))
    }

    @Test("A deleted repository is gone, and its name is free")
    func deletes() throws {
        var caller = SandboxCaller()
        let order: JSON = ["name": "squad-mini", "organization": "sandbox", "type": "dataset"]
        let answer = try caller.call(.delete, "/api/repos/delete", order)
        #expect(answer.status == .ok && answer.body == Array("OK".utf8))
        #expect(try caller.call(.get, "/api/datasets/sandbox/squad-mini").status == .notFound)
        #expect(try caller.call(.delete, "/api/repos/delete", order).status == .notFound)
        #expect(try caller.call(.post, "/api/repos/create", order).status == .ok)
    }

    static let settings: [(String, JSON, JSON)] = [
        ("models/sandbox/demo", ["private": true], ["private": true, "visibility": "private"]),
        ("models/sandbox/demo", ["private": false], ["private": false, "visibility": "public"]),
        ("models/acme/tiny-bert", ["visibility": "public"], ["private": false, "visibility": "public"]),
        ("spaces/sandbox/hello", ["visibility": "protected"], ["private": false, "visibility": "protected"]),
        ("datasets/sandbox/squad-mini", ["gated": "auto"], ["gated": "auto"]),
        ("models/sandbox/demo", ["gated": "manual"], ["gated": "manual"]),
        ("models/sandbox/demo", ["gated": false], ["gated": false]),
        ("models/sandbox/demo", ["discussionsDisabled": true, "what": 1], ["discussionsDisabled": true]),
        ("models/sandbox/demo", [:], [:]),
    ]

    @Test("Settings are set and repeated", arguments: settings)
    func changesSettings(repo: String, order: JSON, expected: JSON) throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.put, "/api/\(repo)/settings", order)
        #expect(answer.status == .ok && answer.json == expected)
        let info = try caller.call(.get, "/api/\(repo)").json
        for name in ["private", "gated", "discussionsDisabled"] {
            if let value = expected[name] { #expect(info?[name] == value) }
        }
    }

    @Test("A moved repository's old names lead to the new one, relatively, with the rest of the call kept")
    func moves() throws {
        var caller = SandboxCaller()
        for (from, to) in [("sandbox/demo", "acme/demo"), ("acme/demo", "sandbox/final")] {
            let order: JSON = ["fromRepo": .string(from), "toRepo": .string(to), "type": "model"]
            #expect(try caller.call(.post, "/api/repos/move", order).status == .ok)
        }
        for old in ["sandbox/demo", "acme/demo"] {
            let info = try caller.call(.get, "/api/models/\(old)/revision/main?expand=a&expand=b%2Fc")
            #expect(info.status == .temporaryRedirect)
            #expect(info.headers["Location"] == "/api/models/sandbox/final/revision/main?expand=a&expand=b%2Fc")
            let put = try caller.call(.put, "/api/models/\(old)/settings", ["private": true])
            #expect(put.headers["Location"] == "/api/models/sandbox/final/settings")
        }
        #expect(try caller.call(.get, "/api/models/sandbox/final").status == .ok)
        #expect(try caller.call(.post, "/api/repos/create", ["name": "demo"]).status == .ok)
        #expect(try caller.call(.get, "/api/models/sandbox/demo").status == .ok)
        #expect(try caller.call(.delete, "/api/repos/delete", ["name": "final"]).status == .ok)
        #expect(try caller.call(.get, "/api/models/acme/demo").status == .notFound)
    }

    @Test("A canonical name leads to its repository on every route", arguments: ["", "/settings"])
    func canonical(suffix: String) throws {
        var caller = SandboxCaller()
        let method: Method = suffix.isEmpty ? .get : .put
        let answer = try caller.call(method, "/api/models/gpt2\(suffix)", ["private": true])
        #expect(answer.status == .temporaryRedirect)
        #expect(answer.headers["Location"] == "/api/models/openai-community/gpt2\(suffix)")
    }

    static let lists: [(String, String?, [String])] = [
        (
            "/api/models", "hf_sandbox",
            ["acme/tiny-bert", "openai-community/gpt2", "other/shared", "readers/notes", "sandbox/demo"]
        ),
        ("/api/models", nil, ["openai-community/gpt2", "other/shared", "sandbox/demo"]),
        ("/api/models?author=other", "hf_other", ["other/secret", "other/shared"]),
        ("/api/models?author=oth", "hf_other", []),
        ("/api/models?search=GPT", nil, ["openai-community/gpt2"]),
        ("/api/models?search=y%2fgpt", nil, ["openai-community/gpt2"]),
        ("/api/models?author=acme&search=bert&sort=likes", nil, []),
        ("/api/datasets", nil, ["sandbox/squad-mini"]),
        ("/api/spaces?limit=5000", nil, ["sandbox/hello"]),
    ]

    @Test("Lists hold what the caller may see and asked for", arguments: lists)
    func list(target: String, token: String?, expected: [String]) throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.get, target, token: token)
        #expect(answer.ids == expected)
        #expect(!answer.headers.contains("Link"))
    }

    @Test("A long list comes in pages, linked by absolute URLs that keep the query")
    func pages() throws {
        var caller = SandboxCaller()
        var next: String? = "/api/models?expand=a%2Fb&x=>&limit=2"
        var pages: [[String]] = []
        while let target = next, pages.count < 10 {
            let answer = try caller.call(.get, target)
            pages.append(answer.ids)
            guard let link = answer.headers["Link"] else { break }
            let start = "<\(SandboxCaller.origin)"
            #expect(link.hasPrefix("\(start)/api/models?expand=a%2Fb&x=%3E&limit=2&cursor="))
            #expect(link.hasSuffix(">; rel=\"next\""))
            #expect(link.contains("%2F"))
            next = String(link.dropFirst(start.count).prefix { $0 != ">" })
        }
        #expect(pages.map(\.count) == [2, 2, 1])
        #expect(Set(pages.joined()).count == 5)
    }

    @Test("The gateway's typed calls understand it")
    func typedCalls() throws {
        var caller = SandboxCaller()
        _ = try caller.send(WhoAmI())
        let repo = try caller.send(RepoCreation(kind: .space, id: try RepoID("acme/x"), isPrivate: true))
        #expect(repo.url == "\(SandboxCaller.origin)/spaces/acme/x")
        try caller.send(try RepoUpdate(kind: .space, id: repo.id, isPrivate: false))
        try caller.send(RepoDeletion(kind: .space, id: repo.id))
        #expect(throws: Failure.self) { try caller.send(RepoDeletion(kind: .space, id: repo.id)) }
    }

    @Test("The journal names every request, its credential and what became of it, once")
    func journal() throws {
        var caller = SandboxCaller()
        _ = try caller.call(.post, "/api/repos/create", ["name": "a"])
        _ = try caller.call(.get, "/api/models?token=hf_secret", token: "hf_wrong")
        _ = try caller.call(.head, "/x?" + String(repeating: "y", count: 5000), token: nil)
        let entries = caller.hub.journal
        #expect(entries.map(\.method) == [.post, .get, .head])
        #expect(entries.map(\.credential) == ["sandbox", "unknown", "none"])
        #expect(entries.map(\.bodyLength) == [12, 0, 0])
        #expect(entries.map(\.status.code) == [200, 401, 404])
        #expect(entries.prefix(2).map(\.target) == ["/api/repos/create", "/api/models?token=***"])
        #expect(entries.last?.target.count == SandboxJournal.Entry.longestTarget)
    }

    @Test("The journal forgets its oldest entries")
    func boundedJournal() throws {
        var journal = SandboxJournal()
        for number in 0..<(SandboxJournal.capacity + 3) {
            journal.append(.init(Request(method: .get, target: try Target(hub: "/\(number)")), .none, .ok))
        }
        #expect(journal.entries.count == SandboxJournal.capacity)
        #expect(journal.entries.first?.target == "/3")
        #expect(journal.entries.last?.target == "/\(SandboxJournal.capacity + 2)")
    }
}
