import EventIO
import Hub

/// One line of usage in a form for people and for programs.
struct UsageRow {
    let name: String
    let counts: UsageReport.Counts

    /// In the form of `hubgate usage --json`.
    func json(_ grouping: UsageTable.Grouping) -> JSON {
        .object(counts.members.merging([grouping.rawValue: .string(name)]) { $1 })
    }
}

extension UsageReport.Counts {
    var members: [String: JSON] {
        [
            "requests": .integer(requests), "errors": .integer(errors), "upstream_calls": .integer(upstreamCalls),
            "bytes_in": .integer(bytesIn), "bytes_out": .integer(bytesOut), "tokens_in": .integer(tokensIn),
            "tokens_out": .integer(tokensOut),
        ]
    }
}

extension UsageTable.Grouping {
    /// The name of a line. The database holds texts of workers: no character of the name moves a terminal's cursor. `keyName` finds the name of a live or
    /// revoked key by its public id.
    func name(of group: String, keyName: (Int64) throws(DatabaseError) -> String?) throws(DatabaseError) -> String {
        switch self {
        case .key:
            guard let publicID = Int64(group), publicID != 0 else { return "(logins that are over)" }
            return try keyName(publicID) ?? KeyRecord.shownID(publicID)
        case .day: return String(WallClock.iso8601((Int64(group) ?? 0) * 86_400).prefix(10))
        case .action, .repo, .model:
            guard !group.isEmpty else { return "(others)" }
            return String(
                decoding: group.utf8.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        }
    }
}
