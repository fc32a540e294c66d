import ArgumentParser
import EventIO
import Hub

/// `hubgate trash`: repositories that were deleted and can still be restored.
struct TrashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trash",
        abstract: "List repositories that were deleted (delete_grace), restore them, delete them for good.",
        discussion:
            "A running gateway carries an order out, since it has the Hub token; these commands wait for that.",
        subcommands: [TrashList.self, TrashRestore.self, TrashPurge.self])
}

struct TrashList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what is in the trash, the newest first.")

    @Option(help: ArgumentHelp("The most of them.", valueName: "number")) var limit: Int64 = 100
    @Option(help: ArgumentHelp("Leave out so many of the newest.", valueName: "number")) var skip: Int64 = 0
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard (1...100_000).contains(limit) else { throw SubcommandFailure.usage("--limit: from 1 to 100000") }
        guard skip >= 0 else { throw SubcommandFailure.usage("--skip: a number of repositories, such as 100") }
        let (records, count) = try state.withTrash { (try $0.page(skip: skip, limit: limit), try $0.listedCount()) }
        guard !json else { return KeyOutput.print(.array(records.map { .object($0.members) })) }
        guard !records.isEmpty else {
            return Console.print(count == 0 ? "The trash is empty.\n" : "There are no more than \(count).\n")
        }
        Console.print(TextTable.text(TrashRecord.columns, records.map { $0.cells(now: KeyInput.now) }))
        let left = count - skip - Int64(records.count)
        if left > 0 { Console.error("\(left) more: --skip \(skip + Int64(records.count))\n") }
    }
}

/// The repository of an order, and how long to wait for it.
struct TrashOrderOptions: ParsableArguments {
    @Argument(
        help:
            "What it was called, such as acme/x or dataset:acme/x; where several were called so, its name in the trash."
    )
    var name: String

    @Option(
        help: ArgumentHelp(
            "How long to wait until the gateway has carried it out: a time such as 60s, or 0.", valueName: "time"))
    var wait = "30s"

    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    /// The record after the order was carried out.
    func carryOut(_ order: TrashRecord.Order, as target: RepoID? = nil) throws -> TrashRecord {
        let seconds = wait == "0" ? 0 : try KeyInput.seconds(wait, of: "--wait")
        let record = try find()
        let by = "\(UserAccount.currentName) on the command line"
        let isNoted = try state.withTrash { table in
            try table.database.transaction { () throws(DatabaseError) in
                try table.order(order, record.trashName, as: target, by: by)
            }
        }
        guard isNoted else { throw SubcommandFailure.notThere("\(record.resource) is not in the trash any more") }
        return try result(order, record, after: seconds)
    }

    private func find() throws -> TrashRecord {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let kind = parts.count == 2 ? RepoKind(facade: String(parts[0])) : nil
        guard let text = parts.last, let id = try? RepoID(String(text)), parts.count == 1 || kind != nil else {
            throw SubcommandFailure.usage("a repository is called such as acme/x, dataset:acme/x or space:acme/x")
        }
        let found = try state.withTrash { table in
            if TrashName.isReserved(id.name) {
                return try table.find(id.name).map { $0.status.isOver ? [] : [$0] } ?? []
            }
            return try table.find(id, kind)
        }
        guard let record = found.first else {
            throw SubcommandFailure.notThere("\(name.shown) is not in the trash: `hubgate trash list` shows what is")
        }
        guard found.count == 1 else {
            let names = found.prefix(10).map {
                "\($0.trashName) (\($0.kind.apiName), \(WallClock.iso8601($0.deleted)))"
            }
            throw SubcommandFailure.usage(
                "\(found.count) in the trash were called so; name one of them: \(names.joined(separator: ", "))")
        }
        return record
    }

    private func result(
        _ order: TrashRecord.Order, _ record: TrashRecord, after seconds: Int64
    ) throws -> TrashRecord {
        let began = MonotonicInstant.now
        while true {
            guard let now = try state.withTrash({ try $0.find(record.trashName) }), now.status != .undone else {
                throw SubcommandFailure(
                    code: Exit.failure,
                    reason: "\(record.resource) never came into the trash: the gateway found it under its own name")
            }
            if now.status == .lost {
                throw SubcommandFailure(
                    code: Exit.failure, reason: "\(record.resource) is not in the trash: \(now.trouble ?? "")")
            }
            if now.status.isOver {
                guard now.status == (order == .restore ? .restored : .purged) else {
                    throw SubcommandFailure.notThere("\(record.resource) was \(now.status.word) meanwhile")
                }
                return now
            }
            if now.order == nil {
                throw SubcommandFailure(
                    code: Exit.failure,
                    reason: "\(record.resource) was not restored: \(now.trouble?.withoutFullStop ?? "")")
            }
            guard MonotonicInstant.now.milliseconds(since: began) < UInt64(seconds) * 1000 else {
                let reason = now.trouble.map { "the last attempt failed: \($0.withoutFullStop)" }
                throw SubcommandFailure(
                    code: Exit.temporary,
                    reason: "the order to \(order.word) \(record.resource) is noted, and not carried out yet "
                        + "(\(reason ?? "a gateway that runs does that")); `hubgate trash list` shows it")
            }
            Pause.sleep(milliseconds: 100)
        }
    }
}

struct TrashRestore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Give a repository its name back, and make it public again if it was.")

    @OptionGroup var order: TrashOrderOptions
    @Option(help: ArgumentHelp("Another name, where its own is taken again.", valueName: "owner/name")) var to: String?

    func run() throws {
        let record = try order.carryOut(.restore, as: try to.map(Self.target))
        guard !order.json else { return KeyOutput.print(.object(record.members)) }
        Console.print("Restored: \(record.kind.apiName):\(record.target.text)\n")
        if let note = record.trouble { Console.error("hubgate: warning: \(note)\n") }
    }

    private static func target(_ text: String) throws(SubcommandFailure) -> RepoID {
        guard let id = try? RepoID(text), id.namespace != nil, !TrashName.isReserved(id.name) else {
            throw .usage("--to: a full name, such as acme/x")
        }
        return id
    }
}

struct TrashPurge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Delete a repository that is in the trash for good, now.")

    @OptionGroup var order: TrashOrderOptions

    func run() throws {
        let record = try order.carryOut(.purge)
        guard !order.json else { return KeyOutput.print(.object(record.members)) }
        Console.print("Deleted for good: \(record.resource)\n")
    }
}

extension StateOptions {
    /// Runs `body` on the table of the trash.
    fileprivate func withTrash<Result>(_ body: (TrashTable) throws -> Result) throws -> Result {
        let directory = try directory()
        do {
            return try body(TrashTable(database: try directory.openExisting()))
        } catch let error as DatabaseError {
            throw SubcommandFailure(error)
        }
    }
}

extension String {
    var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
