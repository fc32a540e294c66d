import ArgumentParser
import EventIO
import Hub

/// `hubgate usage`: what keys did, added up.
struct UsageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what keys did: requests, bytes, and tokens of models.",
        discussion:
            "A running gateway writes it down each second. The setting usage_days says how long it is kept; days are in UTC."
    )

    @Argument(help: "Only what this key did.") var name: String?
    @Option(help: ArgumentHelp("What is added up: key, action, repo, model or day.", valueName: "what"))
    var by = "key"
    @Option(help: ArgumentHelp("How far to look back, in whole days: a time such as 7d.", valueName: "time"))
    var since = "7d"
    @Option(help: ArgumentHelp("How many lines.", valueName: "count")) var limit = 50
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard let grouping = UsageTable.Grouping(rawValue: by) else {
            let names = UsageTable.Grouping.allCases.map(\.rawValue).joined(separator: ", ")
            throw SubcommandFailure.usage("--by has to be one of \(names)")
        }
        guard (1...100_000).contains(limit) else {
            throw SubcommandFailure.usage("--limit has to be a whole number from 1 to 100000")
        }
        let day = (KeyInput.now - (try KeyInput.seconds(since, of: "--since"))) / 86_400
        let rows = try state.withKeys { table -> [UsageOutput.Row]? in
            let key = try name.map { try table.find($0) }
            if case .some(nil) = key { return nil }
            return try UsageTable(database: table.database).rows(
                by: grouping, since: day, of: key??.publicID, limit: Int64(limit)
            ).map { UsageOutput.Row(name: try UsageOutput.name($0, grouping, table), counts: $0.counts) }
        }
        guard let rows else {
            throw SubcommandFailure.notThere(
                "there is no key \((name ?? "").shown): `hubgate keys list --all` shows all")
        }
        json ? KeyOutput.print(UsageOutput.json(rows, grouping)) : Console.print(UsageOutput.table(rows, grouping))
    }
}

/// Usage as people and programs read it.
enum UsageOutput {
    struct Row {
        let name: String
        let counts: UsageReport.Counts
    }

    /// What a line is called. A database holds what a worker has said: nothing of it moves a terminal's cursor.
    static func name(_ row: UsageTable.Row, _ grouping: UsageTable.Grouping, _ table: KeyTable) throws -> String {
        switch grouping {
        case .key:
            guard let publicID = Int64(row.group), publicID != 0 else { return "(logins that are over)" }
            return try table.find(publicID: publicID)?.name ?? KeyRecord.shownID(publicID)
        case .day: return String(WallClock.iso8601((Int64(row.group) ?? 0) * 86_400).prefix(10))
        case .action, .repo, .model:
            guard !row.group.isEmpty else { return "(others)" }
            return String(
                decoding: row.group.utf8.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        }
    }

    static func json(_ rows: [Row], _ grouping: UsageTable.Grouping) -> JSON {
        .array(
            rows.map { row in
                [
                    grouping.rawValue: .string(row.name), "requests": .integer(row.counts.requests),
                    "errors": .integer(row.counts.errors), "upstream_calls": .integer(row.counts.upstreamCalls),
                    "bytes_in": .integer(row.counts.bytesIn), "bytes_out": .integer(row.counts.bytesOut),
                    "tokens_in": .integer(row.counts.tokensIn), "tokens_out": .integer(row.counts.tokensOut),
                ]
            })
    }

    static func table(_ rows: [Row], _ grouping: UsageTable.Grouping) -> String {
        guard !rows.isEmpty else { return "Nothing was counted in that time.\n" }
        return TextTable.text(
            ["REQUESTS", "ERRORS", "HUB", "IN", "OUT", "TOKENS IN", "TOKENS OUT", grouping.rawValue.uppercased()],
            rows.map { row in
                let counts = row.counts
                return [
                    "\(counts.requests)", "\(counts.errors)", "\(counts.upstreamCalls)", bytes(counts.bytesIn),
                    bytes(counts.bytesOut), "\(counts.tokensIn)", "\(counts.tokensOut)", row.name,
                ]
            })
    }

    /// To three digits.
    static func bytes(_ count: Int64) -> String {
        var (number, unit) = (Double(count), 0)
        let units = ["B", "KB", "MB", "GB", "TB", "PB", "EB"]
        while number >= 999.5, unit < units.count - 1 { (number, unit) = (number / 1000, unit + 1) }
        guard unit > 0 else { return "\(count)B" }
        let tenths = Int((number * 10).rounded())
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10)\(units[unit])" : "\(Int(number.rounded()))\(units[unit])"
    }
}
