import ArgumentParser
import EventIO
import Glibc
import Hub

struct CachePull: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Have the gateway fetch a revision, with all that a client needs to read it without the Hub.",
        discussion: """
            A running gateway fetches it, with its own credential; requests of clients come first. This command waits and shows the progress. Ctrl-C \
            ends only the command, --cancel ends the order. Files that are in the cache are not fetched again.

            Ends with 66 where there is no such repository, revision or file, with 77 where the gateway may not have it (gated), with 73 where there is \
            no room, with 69 where no gateway runs or the Hub cannot be reached, with 1 where it was cancelled.
            """)

    @Argument(help: "acme/model or acme/model@main; without a revision main.") var repository: String?
    @OptionGroup var kind: CacheKind
    @Option(
        help: ArgumentHelp(
            "Only files that match this, such as '*.safetensors'; may be repeated.", valueName: "pattern")
    )
    var include: [String] = []
    @Option(help: ArgumentHelp("No files that match this; may be repeated.", valueName: "pattern"))
    var exclude: [String] = []
    @Flag(help: "Keep the files, even if their room is needed.") var pin = false
    @Flag(help: "Place the order, and do not wait for it.") var detach = false
    @Flag(help: "List the orders of the last day.") var list = false
    @Option(help: ArgumentHelp("End an order.", valueName: "id")) var cancel: String?
    @OptionGroup var cache: CacheOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        let count = [repository != nil, list, cancel != nil].count { $0 }
        guard count == 1 else { throw ValidationError("Name a repository, or give --list or --cancel.") }
        if let fault = PathFilter.fault(include) ?? PathFilter.fault(exclude) {
            throw ValidationError("A pattern \(fault).")
        }
    }

    func run() throws {
        let directory = try cache.directory(mayBeAbsent: repository != nil)
        if list { return show(directory.allOrders()) }
        if let cancel { return try end(cancel, in: directory) }
        let (repo, revision) = try kind.read(repository ?? "")
        guard directory.isServed else {
            throw SubcommandFailure(
                code: Exit.unavailable,
                reason:
                    "no gateway runs with the cache_dir \(directory.path.shown): start it; it fetches with its own token"
            )
        }
        guard directory.allOrders().count(where: { !$0.status.isOver }) < CacheDirectory.mostOrders else {
            throw SubcommandFailure(code: Exit.temporary, reason: "\(CacheDirectory.mostOrders) orders wait already")
        }
        let order = PullOrder(
            id: PullOrder.newID(now: KeyInput.now), repo: repo, revision: revision ?? "main", include: include,
            exclude: exclude, pins: pin, orderedBy: "\(UserAccount.currentName) on the command line",
            placed: KeyInput.now)
        do throws(FileError) { try directory.note(order) } catch {
            throw SubcommandFailure(code: Exit.noPermission, reason: "\(directory.orders.shown): \(error)")
        }
        guard !detach else { return json ? KeyOutput.print(order.json) : Console.print("Ordered: \(order.id).\n") }
        try finish(try follow(order, in: directory))
    }

    private func show(_ orders: [PullOrder]) {
        if json { return KeyOutput.print(.array(orders.map(\.json))) }
        guard !orders.isEmpty else { return Console.print("There is no order.\n") }
        Console.print(
            TextTable.text(
                ["ID", "REPOSITORY", "STATUS", "FILES", "BYTES", "REASON"],
                orders.map { order in
                    [
                        order.id, "\(order.repo.text)@\(order.revision)", "\(order.status)",
                        "\(order.filesDone) of \(order.files)", "\(order.bytesDone) of \(order.bytes)", order.reason,
                    ]
                }))
    }

    private func end(_ id: String, in directory: CacheDirectory) throws {
        guard PullOrder.isID(id), let order = directory.order(id), !order.status.isOver else {
            throw SubcommandFailure.notThere(
                "no order \(id.shown) waits or is carried out: `hubgate cache pull --list` shows them")
        }
        do throws(FileError) { try directory.cancel(order) } catch {
            throw SubcommandFailure(code: Exit.noPermission, reason: "\(directory.orders.shown): \(error)")
        }
        // Without a gateway no process would.
        if !directory.isServed { directory.removeOrder(order.id) }
        Console.print("Cancelled: \(id).\n")
    }

    /// Follows the order to its end.
    private func follow(_ order: PullOrder, in directory: CacheDirectory) throws -> PullOrder {
        var bar = PullBar(isQuiet: json)
        if !json {
            Console.error(
                "Order \(order.id): Ctrl-C leaves it running, `hubgate cache pull --cancel \(order.id)` ends it.\n")
        }
        var silent = 0
        while true {
            guard let now = directory.order(order.id) else {
                throw SubcommandFailure(code: Exit.failure, reason: "the order is gone: it was removed")
            }
            if now.status.isOver {
                bar.end(now)
                return now
            }
            bar.show(now)
            silent = directory.isServed ? 0 : silent + 1
            guard silent < 50 else {
                bar.leave()
                throw SubcommandFailure(
                    code: Exit.temporary,
                    reason: "the gateway has stopped; it goes on with order \(order.id) when it is started again")
            }
            Pause.sleep(milliseconds: 100)
        }
    }

    private func finish(_ order: PullOrder) throws {
        if json { KeyOutput.print(order.json) }
        guard order.status == .done else {
            throw SubcommandFailure(
                code: order.exitCode == 0 ? Exit.failure : order.exitCode,
                reason: "\(order.repo.text) at \(order.revision): \(order.reason.withoutFullStop)")
        }
        if !json {
            Console.print(
                "Pulled \(order.repo.text) at \(order.revision) (\(order.commit)): \(order.files) files, \(order.bytes) bytes.\n"
            )
        }
    }
}

/// The progress of an order: a bar on a terminal, else a line at each tenth.
struct PullBar {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = MonotonicInstant.now
    private var firstBytes: Int?
    private var lastStep = -1
    private var lastReason = ""

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    mutating func show(_ order: PullOrder) {
        guard !isQuiet, order.files > 0 || !order.reason.isEmpty else { return }
        let done = order.bytes > 0 ? order.bytesDone * 100 / order.bytes : 0
        if isTerminal { return Console.error("\r\(line(order, percent: done))\u{1B}[K") }
        if order.reason != lastReason, !order.reason.isEmpty { Console.error("Waits: \(order.reason)\n") }
        lastReason = order.reason
        guard order.files > 0, done / 10 != lastStep else { return }
        lastStep = done / 10
        Console.error(
            "\(done) %: \(order.filesDone) of \(order.files) files, \(order.bytesDone) of \(order.bytes) bytes\n")
    }

    private mutating func line(_ order: PullOrder, percent: Int) -> String {
        if !order.reason.isEmpty { return "Waits: \(String(order.reason.prefix(100)))" }
        let first = firstBytes ?? order.bytesDone
        firstBytes = first
        let filled = percent / 5
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 20 - filled)
        let seconds = Int(MonotonicInstant.now.milliseconds(since: began) / 1000)
        let rate = seconds > 0 ? (order.bytesDone - first) / seconds : 0
        let left = rate > 0 ? " \((order.bytes - order.bytesDone) / rate) s left" : ""
        return "[\(bar)] \(percent) %  \(Self.size(order.bytesDone)) of \(Self.size(order.bytes))"
            + "  \(order.filesDone)/\(order.files) files  \(Self.size(rate))/s\(left)"
    }

    /// Of bytes, for people.
    static func size(_ bytes: Int) -> String {
        for (unit, size) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)] where bytes >= size {
            return "\(bytes / size).\(bytes % size * 10 / size) \(unit)"
        }
        return "\(bytes) B"
    }

    mutating func end(_ order: PullOrder) {
        if order.status == .done { show(order) }
        leave()
    }

    func leave() { if isTerminal, !isQuiet { Console.error("\n") } }
}
