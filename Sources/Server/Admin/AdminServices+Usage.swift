import EventIO
import HTTP
import Hub

/// What keys did. The state process adds up a piece of the table at a time, and this worker the pieces.
extension AdminServices {
    /// Pieces that one request asks for: some 2,000,000 lines, where many are of one group.
    private static let mostPieces = 1024
    /// The most groups that are added up: going through them holds the loop for a millisecond.
    private static let mostGroups = 20_000

    /// As `hubgate usage --json` adds it up, with the sum of all groups.
    func usage(
        _ query: [String: String], _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        guard let grouping = UsageTable.Grouping(rawValue: query["by"] ?? "key") else {
            let names = UsageTable.Grouping.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest("by has to be one of \(names).")
        }
        let limit = try Self.limit(query)
        let now = Int64(WallClock.now.seconds)
        let days = try KeyMembers.field { () throws(KeyFieldFault) in
            try KeyFields.days(since: query["since"] ?? "7d", until: query["until"], as: ("since", "until"), now: now)
        }
        var question = UsagePiece.Question(grouping: grouping, days: days)
        if let name = query["key"] {
            let answer = try await ask(.key, ["name": .string(name)], by: caller, context)
            let key = try? JSON.parse(answer.body, within: AdminOrder.limits)
            guard let publicID = key?["public_id"]?.integerValue else { throw .stateSilent }
            question.publicID = publicID
        }
        let groups = try await groups(question, caller, context)
        let (rows, total) = Self.first(limit, of: groups, grouping)
        return [
            "by": .string(grouping.rawValue), "since": .string(Self.day(days.lowerBound)),
            "until": .string(Self.day(days.upperBound)), "usage_days": .integer(Int64(settings.usageDays)),
            "rows": .array(try await named(rows, grouping, caller, context).map { $0.json(grouping) }),
            "total": .object(total.members), "count": .integer(Int64(groups.count)),
        ]
    }

    private func groups(
        _ question: UsagePiece.Question, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> [String: UsageReport.Counts] {
        var question = question
        var groups: [String: UsageReport.Counts] = [:]
        for _ in 0..<Self.mostPieces {
            let answer = try await ask(.usage, question.json, by: caller, context)
            guard let piece = UsagePiece(answer.body) else { throw .stateSilent }
            for (group, counts) in piece.groups { groups[group, default: .init()].addBounded(counts) }
            guard groups.count <= Self.mostGroups else { break }
            guard let next = piece.next else { return groups }
            question.after = next
            guard !context.isCancelled else { throw .clientGone }
        }
        throw .badRequest(
            "There is more than one answer can add up: ask for fewer days or for one key, or on the gateway's machine `hubgate usage`."
        )
    }

    /// The first rows in their order, and the sum of all.
    private static func first(
        _ limit: Int, of groups: [String: UsageReport.Counts], _ grouping: UsageTable.Grouping
    ) -> (rows: [(key: String, value: UsageReport.Counts)], total: UsageReport.Counts) {
        var rows: [(key: String, value: UsageReport.Counts)] = []
        var total = UsageReport.Counts()
        for group in groups {
            total.addBounded(group.value)
            if rows.count == limit, let last = rows.last {
                guard stands(group, before: last, grouping) else { continue }
                rows.removeLast()
            }
            rows.insert(group, at: rows.firstIndex { stands(group, before: $0, grouping) } ?? rows.endIndex)
        }
        return (rows, total)
    }

    /// The order of `UsageTable.rows`.
    private static func stands(
        _ one: (key: String, value: UsageReport.Counts), before other: (key: String, value: UsageReport.Counts),
        _ grouping: UsageTable.Grouping
    ) -> Bool {
        if grouping == .day { return (Int64(one.key) ?? 0) > (Int64(other.key) ?? 0) }
        guard one.value.requests == other.value.requests else { return one.value.requests > other.value.requests }
        return one.key.utf8.lexicographicallyPrecedes(other.key.utf8)
    }

    private func named(
        _ rows: [(key: String, value: UsageReport.Counts)], _ grouping: UsageTable.Grouping, _ caller: AdminCaller,
        _ context: RequestContext
    ) async throws(Failure) -> [UsageRow] {
        var names: [Int64: String] = [:]
        if grouping == .key, !rows.isEmpty {
            let ids = rows.compactMap { Int64($0.key) }
            let answer = try await ask(
                .keyNames, ["ids": .array(ids.map { .integer($0) })], by: caller, context)
            guard let json = try? JSON.parse(answer.body, within: AdminOrder.limits),
                case .array(let found)? = json["names"], found.count == ids.count
            else { throw .stateSilent }
            for (id, name) in zip(ids, found) { names[id] = name.stringValue }
        }
        return rows.map { row in
            // The closure asks no database, so nothing is thrown.
            let name = (try? grouping.name(of: row.key) { names[$0] }) ?? row.key
            return UsageRow(name: name, counts: row.value)
        }
    }

    private static func day(_ day: Int64) -> String { String(WallClock.iso8601(day * 86_400).prefix(10)) }
}
