import EventIO
import HTTP
import Hub

/// `hubgate audit` at a running gateway.
extension AuditShow: GateCommand {
    func run(at gate: GateClient) async throws {
        guard audit.directory == nil, !follow else {
            throw SubcommandFailure.usage(
                "a directory and --follow are for the gateway's machine, without \(GateOptions.flag)")
        }
        guard (1...1_000_000).contains(limit) else { throw SubcommandFailure.usage("--limit: from 1 to 1000000") }
        var query: [(String, String)] = []
        let texts = [("key", key), ("repo", repo), ("action", action), ("request", request)]
        for case (let name, let text?) in texts { query.append((name, text)) }
        if let since { query.append(("since", try Self.beginning(since))) }
        if refusals { query.append(("refusals", "true")) }
        if unknown { query.append(("unknown", "true")) }
        let found = try await gate.rows("rows", ["audit"], query: query, after: "before", most: limit)
        let rows = try found.reversed().map { (row) throws(SubcommandFailure) in try gate.row(row) }
        show(rows)
    }
}

extension AuditVerify: GateCommand {
    /// A gateway tells nothing about the files themselves, and nothing of what its database knows.
    func run(at gate: GateClient) async throws {
        guard audit.directory == nil else {
            throw SubcommandFailure.usage(
                "a directory is on the gateway's machine: leave it out with \(GateOptions.flag)")
        }
        var (lines, faults, next) = (Int64(0), [String](), String?.none)
        repeat {
            let answer = try await gate.ask(.get, ["audit", "verify"], query: next.map { [("before", $0)] } ?? [])
            guard let count = answer["lines"]?.integerValue, count > 0 || next == nil,
                case .array(let found)? = answer["faults"]
            else { throw gate.noGate }
            lines &+= count
            faults += found.compactMap { $0.stringValue?.visible }
            next = answer["next"]?.stringValue
        } while next != nil && faults.isEmpty
        for fault in faults { Console.error("hubgate: \(fault)\n") }
        guard faults.isEmpty else {
            throw SubcommandFailure(code: Exit.failure, reason: "the audit of this gateway is not what was written")
        }
        Console.print("Good: \(Int(clamping: lines).counting("line")).\n")
    }
}

extension GateClient {
    fileprivate func row(_ json: JSON) throws(SubcommandFailure) -> AuditHistory.Row {
        guard case .object(var members) = json, let number = members["n"]?.integerValue,
            let kind = AuditRecord.Kind.allCases.first(where: { $0.name == members["kind"]?.stringValue })
        else { throw noGate }
        // A column for people, which the line does not have.
        members["result"] = nil
        return AuditHistory.Row(number: number, kind: kind, members: members, hasEnded: kind != .intent)
    }
}
