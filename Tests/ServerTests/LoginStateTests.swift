@testable import EventIO
@testable import HTTP
@testable import Hub
import Glibc
@testable import Server
import Testing

extension StatePlace {
    /// One with rules of logins.
    fileprivate static func withLogins(_ change: (inout Settings) -> Void = { _ in }) throws -> StatePlace {
        let place = try StatePlace()
        var settings = Settings()
        settings.loginRole = "reader"
        settings.logins.rules = [
            LoginRule(
                name: "ci", issuer: "i", audiences: ["a"], role: "writer", credential: "acme", lifetime: 60,
                mostKeys: 2,
                ownKeysOfSubject: 2)
        ]
        change(&settings)
        place.writer.bounds = LoginBounds(settings)
        return place
    }

    fileprivate func ask(_ order: LoginOrder, now: Int64) throws -> LoginAnswer? {
        try answer(to: order.record, now: now).flatMap { LoginAnswer($0) }
    }
}

private func secret(_ id: Int64) -> NewSecret {
    NewSecret(publicID: id, secretHash: [UInt8](repeating: 7, count: 32), requestID: "hg-\(id)")
}

struct LoginStateTests {
    @Test("What a worker asks and what it is answered is read back the same, and nothing else is read")
    func coding() throws {
        let decision = DeviceDecision(
            userCode: "BCDFGHJK", isConfirmed: true, address: "::1", publicID: 3, secret: [1, 2])
        let orders: [LoginOrder] = [
            .workload(rule: "r", subject: "s", secret(1)), .deviceBegin(deviceHash: [1], address: "a"),
            .devicePoll(deviceHash: [], secret(2)), .deviceDecide(decision),
        ]
        for order in orders {
            let payload = order.record.payload
            #expect(LoginOrder(payload) == order && LoginOrder(payload + [0]) == nil)
            for length in payload.indices { #expect(LoginOrder(Array(payload.prefix(length))) != order) }
        }
        let answers: [LoginAnswer] = [
            .made(name: "n", expires: 5), .noRule, .tooManyKeys, .malformed, .waiting(userCode: "c"), .tooManyDevices,
            .pending, .tooManyKeysOfSubject,
            .slowDown, .expired, .denied, .unknownDevice, .confirmed(address: "a", created: 2), .badApprover,
            .unknownCode, .decided,
            .tooManyGuesses, .boundApprover,
        ]
        for answer in answers { #expect(LoginAnswer(answer.bytes) == answer) }
        var settings = Settings()
        settings.loginRole = "approver"
        settings.roles = try ValueCodec<TeamRoles>.teamRoles.read("{data: {allow: [\"read *\"], rate: 1/s}}")
        settings.logins.rules = [LoginRule(name: "ci", issuer: "i", role: "reader")]
        let message = StateMessage.bounds(LoginBounds(settings))
        #expect(StateMessage(message.bytes) == message)
    }

    @Test("A worker makes keys of the rules that the settings have, for their time and number, and no others")
    func bounds() throws {
        let place = try StatePlace.withLogins()
        guard case .made(let name, 160)? = try place.ask(.workload(rule: "ci", subject: "a b", secret(1)), now: 100)
        else {
            Issue.record("no key")
            return
        }
        let made = try #require(try place.table.find(name))
        #expect(
            name == "oidc:a_b#1" && made.grant == KeyGrant(role: "writer", credential: "acme") && made.expires == 160)
        #expect(try place.ask(.workload(rule: "other", subject: "s", secret(2)), now: 100) == .noRule)
        // A public id that is another's, which the table would refuse, with all that is in the transaction.
        #expect(try place.ask(.workload(rule: "ci", subject: "s", secret(1)), now: 100) == .malformed)
        guard case .made? = try place.ask(.workload(rule: "ci", subject: "s", secret(3)), now: 100) else {
            throw CError("no key")
        }
        #expect(try place.ask(.workload(rule: "ci", subject: "s", secret(4)), now: 159) == .tooManyKeys)
        guard case .made? = try place.ask(.workload(rule: "ci", subject: "s", secret(4)), now: 160) else {
            throw CError("no key")
        }
        #expect(try place.writer.removeExpiredLogins(now: 160 + 86_400) == false)
        #expect(try place.writer.removeExpiredLogins(now: 161 + 86_400))
        #expect(try place.table.all(includingRevoked: true).count == 1)
    }

    @Test(
        "No subject has all keys of a rule: a tenth of them but ten at least, or what the rule says, and all only where it is for one subject"
    )
    func subjects() throws {
        let place = try StatePlace.withLogins {
            $0.logins.rules[0].mostKeys = 4
            $0.logins.rules[0].ownKeysOfSubject = 2
        }
        func make(_ id: Int64, _ subject: String) throws -> LoginAnswer? {
            try place.ask(.workload(rule: "ci", subject: subject, secret(id)), now: 100)
        }
        func isMade(_ answer: LoginAnswer?) -> Bool { if case .made = answer { true } else { false } }
        // Alike as far as a name shows it.
        let long = String(repeating: "s", count: 300)
        #expect(try isMade(make(1, long + "1")) && isMade(make(2, long + "1")))
        #expect(try make(3, long + "1") == .tooManyKeysOfSubject)
        #expect(try isMade(make(3, long + "2")) && isMade(make(4, "a b")))
        #expect(try make(5, "a_b") == .tooManyKeys)
        var rule = LoginRule(name: "r")
        #expect(rule.mostKeysOfSubject == 100)
        rule.mostKeys = 3
        #expect(rule.mostKeysOfSubject == 3)
        rule.mostKeys = 50
        rule.claims = [try #require(ClaimCondition("sub~repo:*"))]
        #expect(rule.mostKeysOfSubject == 10)
        rule.claims = [try #require(ClaimCondition("sub=repo:a"))]
        #expect(rule.mostKeysOfSubject == 50)
        rule.ownKeysOfSubject = 9
        #expect(rule.mostKeysOfSubject == 9)
        rule.mostKeys = 3
        #expect(rule.mostKeysOfSubject == 3)
    }

    @Test("Addresses of one /64 are one client: for devices that wait, and for wrong codes")
    func networks() throws {
        let place = try StatePlace.withLogins()
        func begin(_ number: UInt8, _ address: String) throws -> LoginAnswer? {
            try place.ask(.deviceBegin(deviceHash: [UInt8](repeating: number, count: 32), address: address), now: 100)
        }
        for number in 0..<10 as Range<UInt8> {
            guard case .waiting? = try begin(number, "2001:db8:0:1::\(number + 1)") else { throw CError("no code") }
        }
        #expect(try begin(10, "2001:db8:0:1:ffff::1") == .tooManyDevices)
        guard case .waiting? = try begin(11, "2001:db8:0:2::1"), case .waiting? = try begin(12, "192.0.2.1") else {
            throw CError("no code")
        }
        var guesses = CodeGuesses()
        for number in 1...10 { guesses.note(from: "2001:db8::\(number)", now: 100) }
        #expect(!guesses.mayTry(from: "2001:db8::ffff", now: 100) && guesses.mayTry(from: "2001:db8:0:1::1", now: 100))
    }

    @Test("Only the secret of a key that is good confirms a device, whatever a worker says, and its key has no more")
    func approvers() throws {
        let place = try StatePlace.withLogins()
        let own = try place.addKey(
            "ann", id: 9, KeyGrant(role: "admin", credential: "acme"), expires: 1000)
        let old = try place.addKey("old", id: 8, KeyGrant(role: "writer"), expires: 99)
        guard
            case .waiting(let code)? = try place.ask(
                .deviceBegin(deviceHash: [UInt8](repeating: 1, count: 32), address: "a"), now: 100)
        else { throw CError("no code") }
        func decide(_ id: Int64, _ secret: [UInt8], _ code: String, at now: Int64 = 100) throws -> LoginAnswer? {
            try place.ask(
                .deviceDecide(
                    DeviceDecision(userCode: code, isConfirmed: true, address: "b", publicID: id, secret: secret)),
                now: now)
        }
        #expect(
            try decide(9, old, code) == .badApprover && decide(8, old, code) == .badApprover
                && decide(7, own, code) == .badApprover)
        #expect(try decide(9, [], code) == .badApprover && decide(9, own, "BBBBBBBB") == .unknownCode)
        #expect(try decide(9, own, code) == .confirmed(address: "a", created: 100) && decide(9, own, code) == .decided)
        let hash = [UInt8](repeating: 1, count: 32)
        #expect(try place.ask(.devicePoll(deviceHash: hash, secret(9)), now: 101) == .malformed)
        #expect(
            try place.ask(.devicePoll(deviceHash: hash, secret(5)), now: 101)
                == .made(name: "login:ann#3", expires: 1000))
        #expect(try place.ask(.devicePoll(deviceHash: hash, secret(6)), now: 101) == .unknownDevice)
        let made = try #require(try place.table.find("login:ann#3"))
        #expect(made.grant == KeyGrant(role: "reader", credential: "acme"))
    }

    @Test(
        "A key with limits, its own or its role's, and one that a login has made, confirm no device, whatever a worker says"
    )
    func boundApprovers() throws {
        let roles = try ValueCodec<TeamRoles>.teamRoles.read(
            "{data: {allow: [\"read *\"], bytes_a_day: 1GB}, free: {allow: [\"read *\"]}}")
        let place = try StatePlace.withLogins {
            $0.loginRole = "approver"
            $0.roles = roles
        }
        let grants = [
            KeyGrant(role: "reader", rate: "6/m"), KeyGrant(role: "reader", limits: "concurrent=2"),
            KeyGrant(role: "data"), KeyGrant(role: "free"),
        ]
        var secrets: [[UInt8]] = []
        for (index, grant) in grants.enumerated() {
            secrets.append(try place.addKey("k\(index)", id: Int64(index), grant))
        }
        func code(_ number: UInt8) throws -> String {
            let hash = [UInt8](repeating: number, count: 32)
            guard case .waiting(let code)? = try place.ask(.deviceBegin(deviceHash: hash, address: "a"), now: 100)
            else { throw CError("no code") }
            return code
        }
        func decide(_ id: Int64, _ secret: [UInt8], _ code: String, _ isConfirmed: Bool) throws -> LoginAnswer? {
            let decision = DeviceDecision(
                userCode: code, isConfirmed: isConfirmed, address: "b", publicID: id, secret: secret)
            return try place.ask(.deviceDecide(decision), now: 100)
        }
        let first = try code(1)
        for id in 0..<3 {
            #expect(try decide(Int64(id), secrets[id], first, true) == .boundApprover)
            // To refuse one gives nothing away.
            let other = try code(UInt8(10 + id))
            #expect(try decide(Int64(id), secrets[id], other, false) == .confirmed(address: "a", created: 100))
        }
        #expect(try decide(3, secrets[3], first, true) == .confirmed(address: "a", created: 100))
        let made = Array("made".utf8)
        let hash = MessageDigest.sha256(made)
        let device: LoginOrder = .devicePoll(
            deviceHash: [UInt8](repeating: 1, count: 32), NewSecret(publicID: 50, secretHash: hash))
        guard case .made? = try place.ask(device, now: 106) else { throw CError("no key") }
        #expect(try decide(50, made, code(2), true) == .boundApprover)
        // One that got limits after it had confirmed gives out none, either.
        let second = try code(3)
        #expect(try decide(3, secrets[3], second, true) == .confirmed(address: "a", created: 100))
        var key = try #require(try place.table.find("k3"))
        key.grant.limits = "concurrent=2"
        try place.table.update(key)
        #expect(
            try place.ask(.devicePoll(deviceHash: [UInt8](repeating: 3, count: 32), secret(60)), now: 106) == .denied)
    }

    @Test("With approver the key has the rights of the one that confirms, and without a role there is none")
    func roles() throws {
        let grant = KeyGrant(
            role: "data", allow: ["read a/*", "write a/b"], deny: ["delete *"], credential: "c")
        for role in ["approver", nil] {
            let place = try StatePlace.withLogins { $0.loginRole = role }
            let own = try place.addKey("ann", id: 9, grant)
            let hash = [UInt8](repeating: 1, count: 32)
            let began = try place.ask(.deviceBegin(deviceHash: hash, address: "a"), now: 100)
            guard role != nil else {
                #expect(began == .noRule)
                continue
            }
            guard case .waiting(let code)? = began else { throw CError("no code") }
            let decision = DeviceDecision(userCode: code, isConfirmed: true, address: "b", publicID: 9, secret: own)
            _ = try place.ask(.deviceDecide(decision), now: 100)
            _ = try place.ask(.devicePoll(deviceHash: hash, secret(5)), now: 100)
            #expect(try place.table.find("login:ann#2")?.grant == grant)
        }
    }

    @Test(
        "Who confirms has to be good when the key is made, too; an old secret gives no more time than it has; rules that hold go on to hold"
    )
    func approversLater() throws {
        let place = try StatePlace.withLogins { $0.loginRole = "approver" }
        let own = try place.addKey("ann", id: 9, KeyGrant(role: "reader", policy: "enforce"))
        func confirm(_ device: UInt8, _ secret: [UInt8]) throws -> [UInt8] {
            let hash = [UInt8](repeating: device, count: 32)
            guard case .waiting(let code)? = try place.ask(.deviceBegin(deviceHash: hash, address: "a"), now: 100)
            else { throw CError("no code") }
            let decision = DeviceDecision(userCode: code, isConfirmed: true, address: "b", publicID: 9, secret: secret)
            guard case .confirmed? = try place.ask(.deviceDecide(decision), now: 100) else { throw CError("refused") }
            return hash
        }
        let (first, second) = (try confirm(1, own), try confirm(2, own))
        guard case .made(let name, _)? = try place.ask(.devicePoll(deviceHash: first, secret(41)), now: 106) else {
            throw CError("no key")
        }
        #expect(try place.table.find(name)?.grant.policy == "enforce")
        var ann = try #require(try place.table.find("ann"))
        (ann.previous, ann.secretHash) = (
            KeyRecord.Previous(secretHash: ann.secretHash, until: 150), [UInt8](repeating: 7, count: 32)
        )
        try place.table.update(ann)
        let third = try confirm(3, own)
        guard case .made(_, 150)? = try place.ask(.devicePoll(deviceHash: third, secret(43)), now: 106) else {
            Issue.record("not bounded by the grace")
            return
        }
        ann.revoked = 107
        try place.table.update(ann)
        #expect(try place.ask(.devicePoll(deviceHash: second, secret(42)), now: 108) == .denied)
    }

    @Test("A hundred wrong codes in all, or ten of one address, end it for ten minutes")
    func guesses() {
        var guesses = CodeGuesses()
        for _ in 0..<10 { guesses.note(from: "a", now: 1000) }
        #expect(
            !guesses.mayTry(from: "a", now: 1599) && guesses.mayTry(from: "b", now: 1599)
                && guesses.mayTry(from: "a", now: 1600))
        for index in 0..<90 { guesses.note(from: "x\(index)", now: 1000) }
        #expect(!guesses.mayTry(from: "b", now: 1599) && guesses.mayTry(from: "b", now: 1600))
    }

    @Test("A code is read as people type it, and has no letter that looks like another")
    func codes() {
        for _ in 0..<1000 {
            let code = UserCode.random()
            #expect(
                code.utf8.count == 8 && UserCode.read(code) == code
                    && UserCode.read(UserCode.shown(code).lowercased()) == code)
            // No vowel and no digit: nothing that could be taken for another of them.
            #expect(code.allSatisfy { "BCDFGHJKLMNPQRSTVWXZ".contains($0) })
        }
        for text in ["", "BCDFGHJ", "BCDFGHJKL", "BCDF GHJA", "BCDF\u{301}GHJK", String(repeating: "-", count: 100)] {
            #expect(UserCode.read(text) == nil)
        }
    }

    @Test("Rules are covered only where that is certain")
    func cover() throws {
        func covers(_ others: [String], _ rules: [String]) throws -> Bool {
            RoleCover.covers(try others.map { try Rule($0) }, try rules.map { try Rule($0) })
        }
        #expect(try covers(["all *"], ["read *", "deny write *"]) && covers(["read *", "search *"], ["reader *"]))
        #expect(try covers(["reader *"], ["read acme/*"]) && covers(["read acme/*"], ["read acme/*"]))
        #expect(try !covers(["read acme/*"], ["read acme/x"]) && !covers(["read acme/*"], ["reader acme/*"]))
        #expect(try !covers([], ["read *"]) && covers([], []))
        #expect(
            try !covers(["all *", "deny delete *"], ["all *"])
                && covers(["all *", "deny delete *"], ["all *", "deny all *"]))
        #expect(try !covers(["all *", "deny read acme/*"], ["read *", "deny read acme/x"]))
    }
}
