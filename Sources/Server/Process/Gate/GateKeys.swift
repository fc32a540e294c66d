import EventIO
import HTTP
import Hub

/// `hubgate keys` at a running gateway. Values of flags are sent as they were typed: the gateway knows the roles and checks the rules.
extension KeysList: GateCommand {
    func run(at gate: GateClient) async throws {
        let query = all ? [("all", "true")] : []
        let found = try await gate.rows("keys", ["keys"], query: query, after: "after")
        let keys = try found.enumerated().map { try ShownKeyRecord($1, number: Int64($0), gate) }.sorted {
            // In the state's order: of keys that had the same name the last comes first.
            ($0.record.revoked == nil ? 0 : 1, $0.record.name, -$0.record.number)
                < ($1.record.revoked == nil ? 0 : 1, $1.record.name, -$1.record.number)
        }
        show(
            keys.map(\.record),
            Dictionary(uniqueKeysWithValues: keys.compactMap { key in key.use.map { (key.record.number, $0) } }))
    }
}

extension KeysShow: GateCommand {
    func run(at gate: GateClient) async throws {
        let answer = try await gate.ask(.get, ["keys", name])
        let key = try ShownKeyRecord(answer, gate)
        KeyOutput.show(key.record, use: key.use, json: json, rules: key.rules)
    }
}

extension KeysCreate: GateCommand {
    func run(at gate: GateClient) async throws {
        var members = grant.members
        members["name"] = .string(name)
        grant.warnOfShadow()
        let answer = try await gate.ask(.post, ["keys"], body: .object(members))
        KeyOutput.show(secret: try gate.secret(in: answer), try ShownKeyRecord(answer, gate).record, json: json)
    }
}

extension KeysEdit: GateCommand {
    func run(at gate: GateClient) async throws {
        try checkChange()
        var members = grant.members
        if let rename { members["name"] = .string(rename) }
        grant.warnOfShadow()
        let answer = try await gate.ask(.patch, ["keys", name], body: .object(members))
        KeyOutput.show(try ShownKeyRecord(answer, gate).record, use: nil, json: json)
    }
}

extension KeysRotate: GateCommand {
    func run(at gate: GateClient) async throws {
        let answer = try await gate.ask(.post, ["keys", name, "rotate"], body: ["grace": .string(grace)])
        let record = try ShownKeyRecord(answer, gate).record
        KeyOutput.show(secret: try gate.secret(in: answer), record, json: json)
        KeyOutput.warn(ofExpired: record, now: KeyInput.now)
    }
}

extension KeysRevoke: GateCommand {
    func run(at gate: GateClient) async throws {
        let answer = try await gate.ask(.delete, ["keys", name])
        KeyOutput.show(try ShownKeyRecord(answer, gate).record, use: nil, json: json)
    }
}

extension KeysExplain: GateCommand {
    func run(at gate: GateClient) async throws {
        var request: [String: JSON] = ["method": .string(method), "path": .string(path)]
        if let body { request["body"] = .string(body) }
        let answer = try await gate.ask(
            .post, ["explain"], body: ["key": .string(name), "requests": [.object(request)]])
        guard case .array(let found)? = answer["explanations"], let explanation = found.first else { throw gate.noGate }
        json ? KeyOutput.print(explanation) : Console.print(KeyExplanation.text(of: explanation.visible))
    }
}

extension GateClient {
    /// The secret of a new key, which is seen this one time.
    fileprivate func secret(in answer: JSON) throws(SubcommandFailure) -> String {
        guard let text = answer["key"]?.stringValue else { throw noGate }
        return text.visible
    }
}

extension GrantOptions {
    /// In the admin API's form: an empty value removes the old one.
    fileprivate var members: [String: JSON] {
        var members: [String: JSON] = [:]
        let texts = [("role", role), ("as", credential), ("rate", rate), ("policy", policy), ("note", note)]
        for case (let name, let text?) in texts { members[name] = text.isEmpty ? .null : .string(text) }
        if let expires { members["expires"] = .string(expires) }
        for (name, rules) in [("allow", allow), ("deny", deny)] where !rules.isEmpty {
            members[name] = .array(rules == [""] ? [] : rules.map { .string($0) })
        }
        if !givenLimits.isEmpty {
            members["limits"] = .object(
                Dictionary(
                    uniqueKeysWithValues: givenLimits.map {
                        ($0.limit.settingName, $0.text.isEmpty ? .null : .string($0.text))
                    }))
        }
        return members
    }

    fileprivate func warnOfShadow() {
        if policy == KeyPolicy.shadow.rawValue { KeyInput.warnOfShadow() }
    }
}

/// A key as the admin API shows it.
private struct ShownKeyRecord {
    let record: KeyRecord
    /// Nil: it was never used.
    let use: KeyUse?
    /// The rules of its role: nil where it has none, `.some(nil)` where the role is not defined.
    let rules: [String]??

    @EventLoop
    init(_ json: JSON, number: Int64 = 0, _ gate: GateClient) throws(SubcommandFailure) {
        let json = json.visible
        func text(_ name: String) -> String? { json[name]?.stringValue }
        func time(_ name: String) -> Int64? { text(name).flatMap { CivilTime.seconds(iso8601: $0) } }
        func list(_ value: JSON?) -> [String] {
            guard case .array(let elements)? = value else { return [] }
            return elements.compactMap(\.stringValue)
        }
        guard let name = text("name"), let id = text("id"), id.hasPrefix(KeyRecord.prefix),
            let publicID = Base62.number(Array(id.utf8.dropFirst(KeyRecord.prefix.utf8.count)).span),
            let created = time("created")
        else { throw gate.noGate }
        var limits: [String: JSON] = [:]
        if case .object(let members)? = json["limits"] { limits = members }
        let amounts = KeyLimits().changed(by: limits)
        record = KeyRecord(
            number: number, name: name, publicID: Int64(truncatingIfNeeded: publicID), secretHash: [],
            previous: time("previous_until").map { .init(secretHash: [], until: $0) },
            grant: KeyGrant(
                role: text("role"), allow: list(json["allow"]), deny: list(json["deny"]), credential: text("as"),
                rate: text("rate"), policy: text("policy"), limits: amounts.isEmpty ? nil : amounts.description),
            note: text("note") ?? "", created: created, expires: time("expires"), revoked: time("revoked"))
        use = time("last_used").map { KeyUse(lastUsed: $0, uses: json["uses"]?.integerValue ?? 0) }
        rules =
            switch json["role_rules"] {
            case nil: nil
            case .array?: .some(list(json["role_rules"]))
            default: .some(nil)
            }
    }
}

/// Times in the form that this program writes.
enum CivilTime {
    /// Seconds since 1970 of `2026-11-29T12:00:00Z`; nil for any other form.
    static func seconds(iso8601 text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[10] == UInt8(ascii: "T"), bytes[19] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? { Int64(String(decoding: bytes[range], as: UTF8.self)) }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), year >= 1970, (1...12).contains(month),
            (1...31).contains(day), (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        // Years begin in March, so that a leap day is the last day of a year.
        let marchYear = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }
}
