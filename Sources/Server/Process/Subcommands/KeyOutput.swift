import EventIO
import Hub

/// Keys in a form for people and for programs.
enum KeyOutput {
    static func print(_ json: JSON) {
        // No number in it is one that JSON cannot express.
        Console.print(String(decoding: (try? json.encoded()) ?? [], as: UTF8.self) + "\n")
    }

    /// A new key or secret, which is seen this one time.
    static func show(secret: String, _ record: KeyRecord, json: Bool) {
        guard !json else {
            var members = record.members(nil)
            members["key"] = .string(secret)
            return KeyOutput.print(.object(members))
        }
        Console.print("\(secret)\n")
        // On the other stream, so that the key alone can be piped on.
        Console.error("This is the key \(record.name). It is not shown again: put it where a password goes.\n")
    }

    /// Where another secret is of no use.
    static func warn(ofExpired record: KeyRecord, now: Int64) {
        guard let expires = record.expires, expires <= now else { return }
        Console.error(
            "hubgate: warning: the key \(record.name) has expired, and is refused with any secret: `hubgate keys edit \(record.name) --expires 90d`\n"
        )
    }

    /// With the meaning of its role, where `roles` are given.
    static func show(_ record: KeyRecord, use: KeyUse?, json: Bool, roles: RoleBook? = nil) {
        let rules = roles.flatMap { book in record.grant.role.map { book.rules(of: $0)?.map(\.description) } }
        show(record, use: use, json: json, rules: rules)
    }

    /// `rules`: those of its role; `.some(nil)` where the role is not defined.
    static func show(_ record: KeyRecord, use: KeyUse?, json: Bool, rules: [String]??) {
        guard json else { return Console.print(details(record, use, rules, now: KeyInput.now)) }
        var members = record.members(use)
        if let rules { members["role_rules"] = rules.map { .array($0.map { .string($0) }) } ?? .null }
        KeyOutput.print(.object(members))
    }

    static func json(_ record: KeyRecord, _ use: KeyUse?) -> JSON { record.json(use) }

    static func status(_ record: KeyRecord, now: Int64) -> String {
        if record.revoked != nil { return "revoked" }
        let shadow = record.grant.policy == KeyPolicy.shadow.rawValue ? ", SHADOW" : ""
        guard let expires = record.expires else { return "good\(shadow)" }
        return expires <= now ? "expired" : "until \(WallClock.iso8601(expires).prefix(10))\(shadow)"
    }

    static func table(_ records: [KeyRecord], _ uses: [Int64: KeyUse], now: Int64) -> String {
        TextTable.text(
            ["NAME", "ID", "STATUS", "LAST USED", "USES", "MAY"],
            records.map { record in
                let use = uses[record.number]
                return [
                    record.name, GatewayKey.shown(publicID: record.publicID), status(record, now: now),
                    use.map { WallClock.iso8601($0.lastUsed) } ?? "never", String(use?.uses ?? 0), may(record.grant),
                ]
            })
    }

    /// What a key is allowed, on one line.
    private static func may(_ grant: KeyGrant) -> String {
        let parts = (grant.role.map { [$0] } ?? []) + grant.allow + grant.deny.map { "not " + $0 }
        return parts.joined(separator: "; ")
    }

    /// `rules`: those of its role; `.some(nil)` where the role is not defined.
    private static func details(_ record: KeyRecord, _ use: KeyUse?, _ rules: [String]??, now: Int64) -> String {
        var rows = [
            ("Name", record.name), ("Id", GatewayKey.shown(publicID: record.publicID)),
            ("Status", status(record, now: now)), ("Created", WallClock.iso8601(record.created)),
        ]
        if let role = record.grant.role { rows.append(("Role", role)) }
        if let rules {
            rows +=
                rules.map { $0.map { ("", $0) } } ?? [("", "not defined in the setting roles: the key may do nothing")]
        }
        rows += record.grant.allow.map { ("Allow", $0) } + record.grant.deny.map { ("Deny", $0) }
        if let credential = record.grant.credential { rows.append(("Acts as", credential)) }
        if let rate = record.grant.rate { rows.append(("Rate", rate)) }
        if let limits = record.grant.limits { rows.append(("Limits", limits)) }
        if let policy = record.grant.policy {
            rows.append(("Policy", policy == "shadow" ? "SHADOW: its rules refuse nothing" : policy))
        }
        if let previous = record.previous, previous.until > now, record.revoked == nil {
            rows.append(("Old secret until", WallClock.iso8601(previous.until)))
        }
        if let use { rows.append(("Last used", "\(WallClock.iso8601(use.lastUsed)), \(use.uses) times in all")) }
        if !record.note.isEmpty { rows.append(("Note", record.note)) }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { "\($0.padded(to: width))  \($1)\n" }.joined()
    }
}

/// A table whose columns are as wide as their longest cells.
enum TextTable {
    static func text(_ head: [String], _ rows: [[String]]) -> String {
        let lines = [head] + rows
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { cells in
            let padded = zip(cells.dropLast(), widths).map { $0.padded(to: $1) }
            return (padded + cells.suffix(1)).joined(separator: "  ") + "\n"
        }.joined()
    }
}
