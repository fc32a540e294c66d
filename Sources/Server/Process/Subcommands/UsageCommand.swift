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
    @Option(
        help: ArgumentHelp(
            "How far to look back, in whole days: a time such as 7d, or a day such as 2026-11-01.", valueName: "time"))
    var since = "7d"
    @Option(help: ArgumentHelp("The last day, such as 2026-11-29; today unless said.", valueName: "day"))
    var until: String?
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
        let days = try KeyInput.days(since: since, until: until)
        let rows = try state.withKeys { table -> [UsageRow]? in
            let key = try name.map { try table.find($0) }
            if case .some(nil) = key { return nil }
            return try UsageTable(database: table.database).rows(
                by: grouping, days: days, of: key??.publicID, limit: Int64(limit)
            ).map { row in
                let name = try grouping.name(of: row.group) { (id) throws(DatabaseError) in
                    try table.find(publicID: id)?.name
                }
                return UsageRow(name: name, counts: row.counts)
            }
        }
        guard let rows else {
            throw SubcommandFailure.notThere(
                "there is no key \((name ?? "").shown): `hubgate keys list --all` shows all")
        }
        json ? KeyOutput.print(UsageOutput.json(rows, grouping)) : Console.print(UsageOutput.table(rows, grouping))
    }
}

/// Usage in a form for people and for programs.
enum UsageOutput {
    static func json(_ rows: [UsageRow], _ grouping: UsageTable.Grouping) -> JSON {
        .array(rows.map { $0.json(grouping) })
    }

    static func table(_ rows: [UsageRow], _ grouping: UsageTable.Grouping) -> String {
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
