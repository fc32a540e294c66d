@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct TeamRolesTests {
    private static let team = """
        listen: 8080
        roles:
          data-team:
            allow:
              - read,search acme/*
              - write dataset:acme/*
            deny: [delete *]
          ops: {allow: "admin *", weight: 7}
        log_level: info
        """

    private func problems(_ yaml: String) -> [String] {
        SettingsCase(files: ["config/hubgate.yaml": yaml]).problems
    }

    private func grant(_ role: String, _ book: RoleBook) -> SharedGrant { SharedGrant(KeyGrant(role: role), book) }

    @Test("A role of the settings file has the rules that stand there, commas included")
    func read() throws {
        let settings = try SettingsCase(files: ["config/hubgate.yaml": Self.team]).settings()
        let book = RoleBook(settings.roles)
        #expect(
            book.rules(of: "data-team")?.map(\.description) == [
                "allow read,search acme/*", "allow write dataset:acme/*", "deny delete *",
            ])
        #expect(book.rules(of: "ops")?.map(\.description) == ["allow all *"])
        #expect(book.names == ["reader", "writer", "maintainer", "admin", "inference", "data-team", "ops"])
        #expect(settings.logLevel == .info)
        #expect(["data-team", "ops", "reader", "nobody"].map { grant($0, book).weight } == [1, 7, 1, 1])
    }

    @Test("The text of the setting is read back the same, from a variable, a flag and a file")
    func roundTrip() throws {
        let settings = try SettingsCase(files: ["config/hubgate.yaml": Self.team]).settings()
        let text = try setting("roles").text(settings)
        #expect(!text.contains("\n"))
        for again in [
            SettingsCase(arguments: ["--roles", text]), SettingsCase(environment: ["HUBGATE_ROLES": text]),
            SettingsCase(files: [".env": "HUBGATE_ROLES=" + text]),
            SettingsCase(files: ["config/hubgate.yaml": "roles: " + text]),
        ] {
            #expect(try again.settings().roles == settings.roles)
        }
    }

    @Test(
        "What is wrong with a role is said with its line and its name",
        arguments: [
            ("roles: {a: {allow: [read *], weight: 0}}", "from 1 to 100"),
            ("roles: {a: {allow: [read *], weight: 101}}", "from 1 to 100"),
            ("roles: {a: {allow: [read *], weight: [1]}}", "from 1 to 100"),
            ("roles: {a: {weight: 5}}", "the role a no rule"),
            ("roles: x", "no mapping"), ("roles: [a]", "a list is not accepted"),
            ("roles:\n  a: [read *]", "the role a no mapping"), ("roles:\n  a: read *", "the role a no mapping"),
            ("roles:\n  a: {allow: [read *]}\n  a: {allow: [write *]}", "the role a twice"),
            ("roles: {a: {allow: [read *]}, a: {deny: [write *]}}", "the role a twice"),
            ("roles:\n  a:\n    allow: [read *]\n    allow: [write *]", "allow twice"),
            ("roles: {a: {allow: [read *], allow: [write *]}}", "allow twice"),
            ("roles:\n  a: {alow: [read *]}", "role a: there is no field alow (did you mean allow?)"),
            ("roles:\n  a: {}", "the role a no rule"),
            ("roles:\n  a: {allow: []}", "the role a no rule"), ("roles:\n  a: {allow: ~}", "the role a no rule"),
            ("roles:\n  a: {allow: [\"\"]}", "too much"), ("roles:\n  \"a b\": {allow: [read *]}", "is no name"),
            ("roles:\n  a: {allow: {b: c}}", "a nested mapping"),
            ("roles:\n  a: {allow: {b: {c: d}}}", "a nested mapping"),
            ("roles:\n  reader: {allow: [read *]}", "reader is a preset"),
            ("roles:\n  read: {allow: [read *]}", "name of an action"),
            ("roles:\n  all: {allow: [read *]}", "name of an action"),
            ("roles:\n  a: {allow: [rad *]}", "did you mean read?"),
            ("roles:\n  a: {allow: [\"read *\\nwrite *\"]}", "more than actions and a pattern"),
            ("roles:\n  a: {allow: [\"deny read *\"]}", "stands among the rules to allow"),
            ("roles:\n  a: {deny: [\"allow read *\"]}", "stands among the rules to deny"),
            ("roles:\n  a: &x {allow: [read *]}", "an anchor"),
        ])
    func refused(yaml: String, reason: String) {
        let problems = problems(yaml)
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.hasPrefix("config/hubgate.yaml:") == true, "\(problems)")
        #expect(problems.first?.contains(reason.replacing("\\", with: "")) == true, "\(problems)")
    }

    @Test("Text of a rule cannot end its quotes and define another role")
    func quoting() throws {
        let yaml = #"roles: {a: {allow: ["read x\"]}, b: {allow: [\"all *"]}}"#
        #expect(problems(yaml).first?.contains("is no pattern") == true || problems(yaml).count == 1)
        let found = SettingsCase(environment: ["HUBGATE_ROLES": "{a: {allow: [read *]}}\naccess: open"]).problems
        #expect(found.first?.contains("no mapping of names") == true, "\(found)")
    }

    @Test("Other settings are still no mappings, and what follows one is read")
    func others() {
        #expect(
            problems("listen:\n  a: b\nnonsense: 1").map { $0.split(separator: ":")[1] } == ["2", "3"])
    }

    @Test(
        "A role that is not there, an action in its place, or a rule that cannot be read lets a key do nothing, and says why"
    )
    func faults() {
        let book = RoleBook.presets
        for role in ["data-team", "read", "all", "", "read,write", "allow admin"] {
            let made = grant(role, book)
            #expect(made.fault?.contains("is not defined") == true && made.scope.rules.isEmpty, "\(role)")
        }
        let broken = SharedGrant(KeyGrant(role: "admin", allow: ["frobnicate *"]), book)
        #expect(broken.fault != nil && !broken.scope.isUnlimited && broken.scope.rules.isEmpty)
        #expect(SharedGrant(KeyGrant(role: "admin"), book).fault == nil)
    }

    @Test("What a role means is taken up by the keys that have it, and by no other")
    func reload() throws {
        var index = KeyIndex()
        let key = GatewayKey.make(publicID: 7)
        let parsed = GatewayKey.Parsed(publicID: 7, secretHash: key.secretHash)
        index.apply(
            KeyRecord(
                number: 1, name: "k", publicID: 7, secretHash: key.secretHash.bytes, grant: KeyGrant(role: "team"),
                created: 0))
        let plain = GatewayKey.make(publicID: 8)
        index.apply(
            KeyRecord(
                number: 2, name: "p", publicID: 8, secretHash: plain.secretHash.bytes,
                grant: KeyGrant(allow: ["read a/*"]), created: 0))
        let other = try index.identify(.init(publicID: 8, secretHash: plain.secretHash), now: 1).grant
        #expect(try index.identify(parsed, now: 1).grant.fault != nil)
        for rule in ["read a/*", "read b/*"] {
            let roles = try SettingsCase(arguments: ["--roles", "{team: {allow: [\"\(rule)\"]}}"]).settings().roles
            index.use(RoleBook(roles))
            #expect(try index.identify(parsed, now: 1).grant.scope.rules.map(\.description) == ["allow \(rule)"])
        }
        index.use(.presets)
        #expect(try index.identify(parsed, now: 1).grant.fault != nil)
        #expect(try index.identify(.init(publicID: 8, secretHash: plain.secretHash), now: 1).grant === other)
    }
}
