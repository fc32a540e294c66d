@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SuggestedRulesTests {
    private func needs(_ method: Method, _ path: String, _ body: String = "") throws -> (HubOperation, [HubNeed]) {
        let operation = HubOperation.find(method, try Target(path))
        let headers: Headers = ["Content-Type": "application/json"]
        return (operation, try operation.needs(headers, Array(body.utf8)))
    }

    private static let requests: [(Method, String, String)] = [
        (.get, "/api/models/acme/x", ""), (.get, "/gpt2/resolve/main/x", ""), (.get, "/api/models?author=acme", ""),
        (.post, "/api/datasets/acme/d/commit/main", ""), (.post, "/api/models/acme/x/commit/main?create_pr=1", ""),
        (.post, "/api/repos/create", #"{"name":"acme/new"}"#),
        (.post, "/api/repos/create", #"{"name":"mine","private":true}"#),
        (.delete, "/api/repos/delete", #"{"name":"me/mine"}"#), (.post, "/uploads", ""),
        (.delete, "/api/models/acme/x", ""),
    ]
    private static let ofOwners: [(Method, String, String)] = [
        (.get, "/api/jobs/acme", ""), (.post, "/api/collections", #"{"private":true}"#),
        (.post, "/api/collections", #"{"namespace":"acme","private":true}"#),
    ]

    @Test("A rule for what belongs to an owner as a whole is named as one that is wide")
    func wide() throws {
        let made = try Self.ofOwners.map { try needs($0, $1, $2) }
        let suggested = SuggestedRules(made.flatMap(\.1).map(Observation.init), globAbove: 20)
        #expect(suggested.rules == ["account */*", "read,account acme/*"] && suggested.wide == suggested.rules)
        let scope = Scope(try suggested.rules.map { try Rule($0) })
        for (operation, needs) in made { #expect(scope.decide(operation, needs).permit != nil, "\(needs)") }
    }

    @Test("What a key did is allowed by the rules that come of it, each request")
    func allows() throws {
        let made = try Self.requests.map { try needs($0, $1, $2) }
        let suggested = SuggestedRules(made.flatMap(\.1).map(Observation.init), globAbove: 20)
        #expect(suggested.beyond.isEmpty && suggested.wide.isEmpty, "\(suggested)")
        let scope = Scope(try suggested.rules.map { try Rule($0) })
        for (operation, needs) in made { #expect(scope.decide(operation, needs).permit != nil, "\(needs)") }
        #expect(!scope.isUnlimited)
        for (method, path, body) in [
            (Method.get, "/api/models/acme/y", ""), (.post, "/api/models/acme/x/commit/main", ""),
            (.delete, "/api/repos/delete", #"{"name":"acme/x"}"#), (.get, "/api/datasets/acme/x", ""),
            (.get, "/api/models/other/x", ""), (.post, "/api/datasets/acme/x/commit/main", ""),
        ] {
            let (operation, needs) = try needs(method, path, body)
            #expect(scope.decide(operation, needs).permit == nil, "\(method) \(path)")
        }
    }

    @Test(
        "More names that begin alike than are wanted one by one become one pattern, of one owner and with the same actions"
    )
    func globs() throws {
        func rules(_ names: [String], above limit: Int, _ action: HubAction = .read) -> [String] {
            SuggestedRules(names.map { Observation(action: action, pattern: $0) }, globAbove: limit).rules
        }
        #expect(rules((1...3).map { "model:acme/run\($0)" }, above: 3).count == 3)
        #expect(rules((1...4).map { "model:acme/run\($0)" }, above: 3) == ["read model:acme/run*"])
        #expect(rules((1...4).map { "model:acme/team-a-\($0)" }, above: 3) == ["read model:acme/team-a-*"])
        // Others beside stay as they are.
        let mixed =
            (1...4).map { "model:acme/run-\($0)" } + ["model:acme/secret", "dataset:acme/run-1", "model:b/run-1"]
        #expect(
            rules(mixed, above: 3)
                == ["read dataset:acme/run-1", "read model:acme/run-*", "read model:acme/secret", "read model:b/run-1"])
        // No pattern for all of an owner's.
        #expect(rules((1...9).map { "model:acme/\($0)" }, above: 3).count == 9)
        #expect(rules((1...9).map { "model:acme/\(["a", "b", "c"][$0 % 3])\($0)" }, above: 3).count == 9)
    }

    @Test("What belongs to no name stands with another rule, and what no rule allows is said")
    func beyond() {
        func suggested(_ observations: (HubAction, String)...) -> SuggestedRules {
            SuggestedRules(observations.map { Observation(action: $0.0, pattern: $0.1) }, globAbove: 20)
        }
        #expect(suggested((.search, "")).rules == ["search public"])
        #expect(suggested((.search, ""), (.read, "model:acme/x")).rules == ["read,search model:acme/x"])
        #expect(suggested((.infer, ""), (.read, "model:acme/x")).beyond.map(\.action) == [.infer])
        #expect(suggested((.infer, ""), (.infer, "model:a/b/c:d")).rules == ["infer model:a/b/c:d"])
        let wide = suggested((.account, "*"), (.read, "model:acme/x"))
        #expect(wide.rules == ["read model:acme/x"] && wide.beyond.map(\.action) == [.account])
        for rule in suggested((.infer, "model:a/b/c:d"), (.read, "model:a/b")).rules {
            #expect((try? Rule(rule)) != nil, "\(rule)")
        }
    }

    @Test("Records of what was done are read as they were written, in pieces that fit")
    func records() {
        let uses = (0..<2000).map {
            ObservedUses.Use(
                publicID: Int64($0), action: "read", resource: "model:acme/\(String(repeating: "x", count: 90))\($0)",
                uses: 1,
                refused: 1, lastUsed: 5)
        }
        var rest = uses[...]
        var read: [ObservedUses.Use] = []
        while !rest.isEmpty {
            let record = ObservedUses(first: &rest).record
            #expect(record.payload.count <= StateRecord.longest)
            read += ObservedUses(record.payload)?.uses ?? []
        }
        #expect(read == uses)
        #expect(ObservedUses([1, 2, 3]) == nil && ObservedUses([])?.uses.isEmpty == true)
    }
}
