import ArgumentParser
import EventIO
import Glibc
import Hub

/// `hubgate audit`: which key did what, and whether the audit is whole.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show what was done, by whom and by which right; check that the audit is whole.",
        subcommands: [AuditShow.self, AuditVerify.self])
}

/// Where the audit is.
struct AuditOptions: ParsableArguments {
    @Argument(
        help: "The directory of the audit; by default that of the settings.", completion: .directory)
    var directory: String?
    @OptionGroup var state: StateOptions

    func find() throws(SubcommandFailure) -> AuditDirectory {
        let settings = try state.settings()
        let usual = settings.auditDirectory.isEmpty ? settings.stateDirectory + "/audit" : settings.auditDirectory
        return AuditDirectory(path: directory ?? usual)
    }

    /// The last line that the database knows, where it is the database of this audit: a copy of an audit elsewhere has none.
    func known() throws(SubcommandFailure) -> AuditTables.Head? {
        guard directory == nil || state.stateDir != nil else { return nil }
        let place = try state.directory()
        guard unsafe access(place.databasePath, F_OK) == 0 else { return nil }
        do throws(DatabaseError) {
            return try AuditTables(database: try place.openExisting()).head()
        } catch {
            throw SubcommandFailure(error)
        }
    }
}

struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that no line of the audit was changed, removed or moved.",
        discussion: "Ends with 0 if it is whole, with 1 if it is not; works beside a running gateway too.")

    @OptionGroup var audit: AuditOptions

    func run() throws {
        let directory = try audit.find()
        // Read first: lines that are written meanwhile are then more than it knows, and not fewer.
        let known = try audit.known()
        do {
            let check = try AuditCheck(directory, known: known)
            guard check.files > 0 || known != nil else {
                throw SubcommandFailure.notThere(directory.noAudit.description)
            }
            guard check.faults.isEmpty else {
                for fault in check.faults { Console.error("hubgate: \(fault)\n") }
                throw SubcommandFailure(
                    code: Exit.failure, reason: "the audit in \(directory.path.shown) is not what was written")
            }
            let times = check.times.map { ", from \($0.first) to \($0.last)" } ?? ""
            let end = known == nil ? "; there is no database beside it, so a cut end would not be seen" : ""
            Console.print("Good: \(check.lines.counting("line")) in \(check.files.counting("file"))\(times)\(end).\n")
        } catch let error as AuditError {
            throw SubcommandFailure(code: Exit.noInput, reason: error.description)
        }
    }
}

struct AuditShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what was done, by whom and by which right.")

    @OptionGroup var audit: AuditOptions
    @Option(help: ArgumentHelp("Of the key with this name or id, or of a workload by its subject.", valueName: "name"))
    var key: String?
    @Option(help: ArgumentHelp("To repositories that this fits, such as 'acme/*'.", valueName: "glob")) var repo:
        String?
    @Option(help: ArgumentHelp("Such as delete, write, create, login.", valueName: "action")) var action: String?
    @Option(help: ArgumentHelp("Of the last 24h, or since 2026-11-29 or 2026-11-29T12:00 (UTC).", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("The request with this X-Request-Id.", valueName: "id")) var request: String?
    @Flag(help: "Only what was refused.") var refusals = false
    @Flag(help: "Only acts whose outcome is not known.") var unknown = false
    @Option(help: ArgumentHelp("The most rows, the last ones.", valueName: "number")) var limit = 100
    @Flag(help: "Go on, and print new rows as they come.") var follow = false
    @Flag(help: "Print JSON, an object a line.") var json = false

    func run() throws {
        let directory = try audit.find()
        guard (1...1_000_000).contains(limit) else { throw SubcommandFailure.usage("--limit: from 1 to 1000000") }
        var filter = AuditHistory.Filter(key: key, repo: repo, action: action, requestID: request)
        (filter.refusals, filter.unknown) = (refusals, unknown)
        filter.since = try since.map { try Self.beginning($0) }
        do throws(AuditError) {
            try show(directory, filter)
        } catch {
            throw SubcommandFailure(code: Exit.noInput, reason: error.description)
        }
    }

    static func beginning(_ text: String) throws(SubcommandFailure) -> String {
        if let time = AuditTime.beginning(text) { return time }
        guard let seconds = try? KeyInput.seconds(text, of: "--since") else {
            throw .usage("--since: a time to look back, such as 24h, or \(AuditTime.accepted)")
        }
        return WallClock.iso8601(KeyInput.now - seconds)
    }

    private func show(_ directory: AuditDirectory, _ filter: AuditHistory.Filter) throws(AuditError) {
        var history = AuditHistory(filter, most: limit)
        var files = try directory.files()[...]
        guard !files.isEmpty || follow else { throw directory.noAudit }
        // An act that began the day before may have ended on the day that is asked for; it is shown by when it began.
        if let since = filter.since {
            files = files.drop { file in
                files.contains { $0.serial == file.serial + 1 && $0.day < since.prefix(10) }
            }
        }
        var reader: AuditLines?
        for file in files {
            reader = try AuditLines(directory.path(of: file))
            while let line = try reader?.next() { history.take(line) }
        }
        show(history.rows)
        if follow { try go(on: directory, after: files.last, reader, history) }
    }

    /// Prints what ends from here on.
    private func go(
        on directory: AuditDirectory, after last: AuditDirectory.File?, _ reader: AuditLines?, _ history: AuditHistory
    ) throws(AuditError) {
        var (file, reader, history) = (last, reader, history)
        while true {
            while let line = try reader?.next() {
                if let row = history.take(line) { show([row], isFirst: false) }
            }
            if let next = try directory.files().first(where: { $0.serial > file?.serial ?? 0 }) {
                // The writer has left the one before.
                while let line = try reader?.next() {
                    if let row = history.take(line) { show([row], isFirst: false) }
                }
                (file, reader) = (next, try AuditLines(directory.path(of: next)))
            } else {
                Pause.sleep(milliseconds: 300)
            }
        }
    }

    /// Where it was mistyped: that nothing was done would be the wrong thing to believe.
    private func tellOfAction() {
        let known = HubAction.allCases.map(\.name) + ["edit", "rotate", "revoke", "login"]
        guard let action, !known.contains(action), let meant = Suggestion.nearest(to: action, among: known) else {
            return
        }
        Console.error("hubgate: there is no action \(action.shown) (did you mean \(meant)?)\n")
    }

    func show(_ rows: [AuditHistory.Row], isFirst: Bool = true) {
        guard !json else { return rows.forEach { KeyOutput.print(.object($0.members)) } }
        guard isFirst else {
            return rows.forEach { Console.print($0.cells.joined(separator: "  ") + "\n") }
        }
        guard !rows.isEmpty || follow else {
            Console.print("Nothing of that is in the audit.\n")
            return tellOfAction()
        }
        Console.print(TextTable.text(AuditHistory.Row.columns, rows.map(\.cells)))
    }
}
