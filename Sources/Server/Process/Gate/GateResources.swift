import EventIO
import HTTP
import Hub

/// `hubgate usage` at a running gateway.
extension UsageCommand: GateCommand {
    func run(at gate: GateClient) async throws {
        guard let grouping = UsageTable.Grouping(rawValue: by) else {
            let names = UsageTable.Grouping.allCases.map(\.rawValue).joined(separator: ", ")
            throw SubcommandFailure.usage("--by has to be one of \(names)")
        }
        guard (1...AdminActs.mostRows).contains(limit) else {
            throw SubcommandFailure.usage(
                "--limit has to be a whole number from 1 to \(AdminActs.mostRows) with \(GateOptions.flag)")
        }
        var query = [("by", by), ("since", since), ("limit", "\(limit)")]
        if let until { query.append(("until", until)) }
        if let name { query.append(("key", name)) }
        let answer = try await gate.ask(.get, ["usage"], query: query)
        guard case .array(let rows)? = answer["rows"] else { throw gate.noGate }
        guard !json else { return KeyOutput.print(.array(rows)) }
        Console.print(
            UsageOutput.table(
                rows.map { row in
                    .init(name: (row[by]?.stringValue ?? "").visible, counts: UsageReport.Counts(shown: row))
                }, grouping))
    }
}

extension UsageReport.Counts {
    /// From the form of the admin API.
    fileprivate init(shown json: JSON) {
        func number(_ name: String) -> Int64 { json[name]?.integerValue ?? 0 }
        self.init()
        requests = number("requests")
        errors = number("errors")
        upstreamCalls = number("upstream_calls")
        bytesIn = number("bytes_in")
        bytesOut = number("bytes_out")
        tokensIn = number("tokens_in")
        tokensOut = number("tokens_out")
    }
}

/// `hubgate cache` at a running gateway.
extension CacheList: GateCommand {
    func run(at gate: GateClient) async throws {
        let files = try await gate.rows("files", ["cache", "files"], after: "after")
        show(json ? files : files.map(\.visible))
    }
}

extension CacheRemove: GateCommand {
    func run(at gate: GateClient) async throws {
        guard !names.isEmpty, !all else {
            throw SubcommandFailure.usage(
                "name the files by their SHA-256; --all is for the gateway's machine, without \(GateOptions.flag)")
        }
        for name in names { _ = try await gate.ask(.delete, ["cache", "files", name]) }
        Console.print("Removed: \(names.count.counting("file")).\n")
    }
}

extension CachePurge: GateCommand {
    func run(at gate: GateClient) async throws {
        let body: JSON = all ? ["all": true] : ["repositories": .array(repositories.map { .string($0) })]
        _ = try await gate.ask(.post, ["cache", "purge"], body: body)
        Console.print(all ? "Dropped all.\n" : "Dropped: \(repositories.joined(separator: ", ")).\n")
    }
}
