import HTTP
import Hub

/// The members of a key in the body of a request, checked.
enum KeyMembers {
    static func name(_ value: JSON) throws(Failure) -> String {
        try field { () throws(KeyFieldFault) in try KeyFields.name(try text(value, "name"), of: "name") }
    }

    /// The name of a key that exists: one that a login has made has a name that no caller may choose.
    static func keyName(_ value: JSON) throws(Failure) -> String {
        try field { () throws(KeyFieldFault) in try text(value, "key") }
    }

    /// In seconds.
    static func grace(_ value: JSON) throws(Failure) -> Int64 {
        try field { () throws(KeyFieldFault) in
            let text = try text(value, "grace")
            return text == "0" ? 0 : try KeyFields.seconds(text, of: "grace")
        }
    }

    /// What was given but for the name, checked; null stays null. `expires` becomes seconds since 1970, or null for never.
    static func checked(_ given: [String: JSON], _ roles: RoleBook, now: Int64) throws(Failure) -> [String: JSON] {
        try field { () throws(KeyFieldFault) in
            var members: [String: JSON] = [:]
            for (name, check) in checks {
                guard let value = given[name] else { continue }
                members[name] = value == .null ? .null : .string(try check(try text(value, name), name, roles))
            }
            if let note = given["note"] {
                members["note"] = .string(note == .null ? "" : try KeyFields.note(try text(note, "note"), of: "note"))
            }
            for (name, effect) in [("allow", Rule.Effect.allow), ("deny", .deny)] {
                guard let value = given[name] else { continue }
                members[name] = .array(
                    try KeyFields.rules(try texts(value, name), of: name, effect).map { .string($0) })
            }
            if let limits = given["limits"] { members["limits"] = try self.limits(limits) }
            if let expires = given["expires"] { members["expires"] = try expiry(expires, now: now) }
            return members
        }
    }

    private typealias Check = @Sendable (String, String, RoleBook) throws(KeyFieldFault) -> String

    private static let checks: [(String, Check)] = [
        ("role", { (text, name, roles) throws(KeyFieldFault) in try KeyFields.role(text, of: name, roles) }),
        ("as", { (text, name, _) throws(KeyFieldFault) in try KeyFields.credential(text, of: name) }),
        ("rate", { (text, name, _) throws(KeyFieldFault) in try KeyFields.rate(text, of: name) }),
        ("policy", { (text, name, _) throws(KeyFieldFault) in try KeyFields.policy(text, of: name) }),
    ]

    private static func expiry(_ value: JSON, now: Int64) throws(KeyFieldFault) -> JSON {
        guard value != .null else { return .null }
        let text = try text(value, "expires")
        if text == "never" { return .null }
        return .integer(now + (try KeyFields.seconds(text, of: "expires")))
    }

    /// Numbers, or texts as the command line takes them; null is no limit.
    private static func limits(_ value: JSON) throws(KeyFieldFault) -> JSON {
        if value == .null { return .null }
        guard case .object(let given) = value else {
            throw KeyFieldFault(reason: "limits has to be an object, and was \(value.kindName)")
        }
        var amounts: [String: JSON] = [:]
        for (name, value) in given {
            guard let limit = KeyLimit.allCases.first(where: { $0.settingName == name }) else {
                let known = KeyLimit.allCases.map(\.settingName).joined(separator: ", ")
                throw KeyFieldFault(reason: "limits.\(name.prefix(40)) is not known here: known are \(known)")
            }
            amounts[name] = value == .null ? .null : .integer(try amount(value, limit))
        }
        return .object(amounts)
    }

    private static func amount(_ value: JSON, _ limit: KeyLimit) throws(KeyFieldFault) -> Int64 {
        guard let amount = value.stringValue.map({ limit.amount($0) }) ?? value.integerValue,
            (0...KeyLimit.most).contains(amount)
        else {
            throw KeyFieldFault(
                reason: "limits.\(limit.settingName) has to be a whole number, or a text with \(limit.accepted), "
                    + "at most \(limit.text(KeyLimit.most)); null is no limit")
        }
        return amount
    }

    private static func text(_ value: JSON, _ name: String) throws(KeyFieldFault) -> String {
        guard let text = value.stringValue else {
            throw KeyFieldFault(reason: "\(name) has to be a string, and was \(value.kindName)")
        }
        return text
    }

    private static func texts(_ value: JSON, _ name: String) throws(KeyFieldFault) -> [String] {
        if value == .null { return [] }
        guard case .array(let elements) = value else {
            throw KeyFieldFault(reason: "\(name) has to be a list of strings, and was \(value.kindName)")
        }
        return try elements.map { (element) throws(KeyFieldFault) in try text(element, name) }
    }

    static func field<Value>(_ check: () throws(KeyFieldFault) -> Value) throws(Failure) -> Value {
        do throws(KeyFieldFault) {
            return try check()
        } catch {
            throw .badRequest("\(error.reason.prefix(1000)).")
        }
    }
}
