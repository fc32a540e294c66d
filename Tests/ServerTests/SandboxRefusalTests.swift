@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Synchronization
import Testing

@Suite("The sandbox refuses what the Hub refuses")
struct SandboxRefusalTests {
    @Test(
        "With the Hub's status, message, code and body, and nothing changed",
        arguments: SandboxRefusalCase.reading + SandboxRefusalCase.creating + SandboxRefusalCase.changing)
    func refuses(_ wanted: SandboxRefusalCase) throws {
        var caller = SandboxCaller()
        let before = try Self.lists(&caller)
        let answer = try caller.call(wanted.method, wanted.target, token: wanted.token, wanted.body)
        #expect(answer.status.code == wanted.status)
        #expect(answer.json?["error"]?.stringValue?.contains(wanted.message) == true)
        #expect(answer.headers["X-Error-Message"] == answer.json?["error"]?.stringValue)
        #expect(answer.headers["X-Error-Code"] == wanted.code)
        #expect(answer.headers["Content-Type"] == "application/json; charset=utf-8")
        #expect(answer.headers.contains("WWW-Authenticate") == (wanted.status == 401))
        #expect(answer.headers.contains("Allow") == (wanted.status == 405))
        for (name, value) in answer.headers { #expect(Headers.isFieldValue(value), "\(name)") }
        #expect(try Self.lists(&caller) == before)
    }

    private static func lists(_ caller: inout SandboxCaller) throws -> [[UInt8]] {
        try ["models", "datasets", "spaces"].flatMap { kind in
            try ["hf_sandbox", "hf_other"].map { try caller.call(.get, "/api/\(kind)", token: $0).body }
        }
    }

    @Test("The 409 names the repository there is")
    func conflict() throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.post, "/api/repos/create", ["name": "squad-mini", "type": "dataset"])
        #expect(answer.json?["url"] == .string("\(SandboxCaller.origin)/datasets/sandbox/squad-mini"))
    }

    @Test(
        "Anything but one Bearer token that it knows is an unknown credential",
        arguments: [
            ["Basic aGZfc2FuZGJveA=="], ["hf_sandbox"], ["Bearer"], ["Bearer hf_sandbox x"], ["Bearer HF_SANDBOX"],
            [""],
            ["Bearer hf_sandbox", "Bearer hf_other"],
        ])
    func credentials(fields: [String]) throws {
        var caller = SandboxCaller()
        var headers = Headers()
        for field in fields { headers.append("Authorization", field) }
        let answer = caller.hub.answer(Request(method: .get, target: try Target(hub: "/api/models"), headers: headers))
        #expect(answer.status == .unauthorized)
        #expect(caller.hub.journal.map(\.credential) == ["unknown"])
    }

    @Test(
        "A body that is of another type or malformed is refused",
        arguments: [
            ("text/plain", "{\"name\":\"a\"}", 400),
            ("application/x-www-form-urlencoded", "name=a", 400),
            ("application/json", "{\"name\":", 400),
            ("application/json", "{\"name\":\"a\",\"name\":\"b\"}", 400),
            ("application/json", "", 400),
            ("Application/JSON; charset=utf-8", "{\"name\":\"a\"}", 200),
        ])
    func bodies(type: String, body: String, status: Int) throws {
        #expect(try Self.status(of: Array(body.utf8), type) == status)
    }

    @Test("A body that is too long is refused")
    func longBody() throws {
        let body = [UInt8](repeating: UInt8(ascii: " "), count: SandboxBody.longest + 1)
        #expect(try Self.status(of: body, "application/json") == 413)
    }

    private static func status(of body: [UInt8], _ type: String) throws -> Int {
        var caller = SandboxCaller()
        let order = Request(
            method: .post, target: try Target(hub: "/api/repos/create"),
            headers: ["Authorization": "bearer hf_sandbox", "Content-Type": type], body: body)
        return caller.hub.answer(order).status.code
    }

    @Test("An old name of a private repository is hidden from who may not see it")
    func hiddenRedirect() throws {
        var caller = SandboxCaller()
        let order: JSON = ["fromRepo": "acme/tiny-bert", "toRepo": "acme/bert", "type": "model"]
        #expect(try caller.call(.post, "/api/repos/move", order).status == .ok)
        #expect(try caller.call(.get, "/api/models/acme/tiny-bert").status == .temporaryRedirect)
        #expect(try caller.call(.get, "/api/models/acme/tiny-bert", token: "hf_other").status == .notFound)
        #expect(try caller.call(.get, "/api/models/acme/tiny-bert", token: nil).status == .unauthorized)
    }

    @Test("An enforced quota ends in 429 for that caller alone, until the window is over")
    func quota() throws {
        let clock = Clock()
        var caller = SandboxCaller(
            limits: SandboxLimits([.api: .init(count: 2, milliseconds: 300_000)]),
            now: { clock.seconds.load(ordering: .relaxed) })
        var answers: [Response] = []
        for _ in 0..<3 { answers.append(try caller.call(.get, "/api/models")) }
        #expect(answers.map(\.status.code) == [200, 200, 429])
        #expect(answers.last?.headers["RateLimit"] == "\"api\";r=0;t=300")
        #expect(answers.last?.headers["Retry-After"] == "300")
        #expect(try caller.call(.get, "/api/models", token: "hf_other").status == .ok)
        clock.seconds.add(300, ordering: .relaxed)
        #expect(try caller.call(.get, "/api/models").status == .ok)
    }

    private final class Clock: Sendable {
        let seconds = Atomic<Int64>(Sandbox.opening)
    }

    @Test("Without limits nobody is refused, and much always seems left")
    func withoutLimits() throws {
        var caller = SandboxCaller()
        for _ in 0..<600 { #expect(try caller.call(.get, "/api/whoami-v2").status == .ok) }
        #expect(try caller.call(.get, "/api/whoami-v2").headers["RateLimit"] == "\"api\";r=999399;t=300")
    }

    @Test(
        "Windows follow each other without a gap, each kind has its own, and the rest is told in whole seconds that have begun"
    )
    func windows() throws {
        let clock = Clock()
        var quota = SandboxQuota(
            SandboxLimits([
                .api: .init(count: 1, milliseconds: 2_000), .resolvers: .init(count: 2, milliseconds: 300_000),
            ]))
        let api = SandboxQuota.Bucket(try Target("/api/models"), .none)
        let files = SandboxQuota.Bucket(try Target("/acme/m/resolve/main/x"), .none)
        clock.seconds.store(10_000, ordering: .relaxed)
        func now() -> Int64 { clock.seconds.load(ordering: .relaxed) }
        func spend(_ bucket: SandboxQuota.Bucket, _ count: Int) -> [Bool] {
            (0..<count).map { _ in quota.spend(bucket, now: now()) }
        }
        #expect(spend(api, 2) == [true, false])
        #expect(quota.state(of: api, now: now()) == "\"api\";r=0;t=2")
        #expect(quota.policy(of: api) == "\"fixed window\";\"api\";q=1;w=2")
        clock.seconds.add(1_500, ordering: .relaxed)
        #expect(quota.state(of: api, now: now()) == "\"api\";r=0;t=1")
        #expect(spend(files, 3) == [true, true, false])
        // The window ends by the clock, whenever its first request came.
        clock.seconds.add(500, ordering: .relaxed)
        #expect(spend(api, 2) == [true, false])
        #expect(spend(files, 1) == [false])
        #expect(quota.state(of: files, now: now()) == "\"resolvers\";r=0;t=298")
    }

    @Test("Neither repositories nor old names grow without bound")
    func bounded() throws {
        func key(_ name: String) throws -> SandboxRepoStore.Key {
            .init(kind: .model, id: try RepoID("sandbox/\(name)"))
        }
        var repos = SandboxRepoStore(capacity: 3)
        for name in ["a", "b", "c"] { _ = try repos.create(key(name), at: 0) }
        #expect(throws: SandboxRefusal.self) { try repos.create(key("d"), at: 0) }
        #expect(repos.visible(.model, to: nil).map(\.id.name) == ["a", "b", "c"])

        var last = try #require(repos[key("a")])
        for name in ["a1", "a2", "a3"] {
            try repos.move(last, to: key(name).id)
            last = try #require(repos[key(name)])
        }
        #expect(throws: SandboxRefusal.self) { try repos.move(last, to: key("a4").id) }
        #expect(try repos.successor(of: key("a")) == last)
        repos.delete(last)
        #expect(try repos.successor(of: key("a")) == nil)
        #expect(try repos.create(key("d"), at: 0).id.name == "d")
    }
}
