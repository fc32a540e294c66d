import ArgumentParser
import EventIO
import Glibc
import Glibc

/// The commands for everything but serving: `hubgate keys …`. Serving itself belongs to `Command`, whose flags come from THE
/// table of settings and whose errors never repeat what was typed: it may be a token.
enum Subcommands {
    static let words = ["keys", "login", "audit", "usage", "trash", "cache", "state", "init", "api", "help"]

    /// For `--help`.
    static let all = [
        (
            "hubgate keys",
            "Makes, shows and changes gateway keys, for access = keys; `hubgate keys --help` has the commands."
        ),
        (
            "hubgate audit",
            "Shows who did what and by which right, and checks that the audit is whole; `hubgate audit --help` has more."
        ),
        (
            "hubgate trash",
            "Lists repositories that were deleted and can be restored (delete_grace), restores them, deletes them for good."
        ),
        ("hubgate login", "Lists, confirms and refuses devices that log in."),
        ("hubgate usage", "Shows what keys did: requests, bytes and tokens, by key, repository, model, action or day."),
        ("hubgate cache purge", "Drops the cached responses of a repository in a running gateway."),
        ("hubgate state", "Backs up and checks the database of keys."),
        (
            "hubgate cache",
            "Fetches ahead, pins, exports, imports, lists, checks and removes the files in cache_dir; `hubgate cache --help` has the commands."
        ),
        (
            "hubgate --gate URL COMMAND",
            "Asks a running gateway and not the state of this machine: keys, audit show and verify, usage, cache list, rm and purge, and "
                + "api. Its key of the role admin is in HUBGATE_ADMIN_KEY or in the file of --admin-key-file; --ca-file names the "
                + "authority of its certificate."
        ),
        ("hubgate --gate URL api NAME", "Asks for any operation of the admin API; `hubgate api --help` lists them."),
        ("hubgate init", "Makes the state and a first key, and says what a client needs."),
        ("--generate-completion-script SHELL", "Prints a completion script of these commands for bash, zsh or fish."),
    ].map { (synopsis: $0, meaning: $1) }

    /// The exit code of the subcommand in `arguments`; nil if there is none.
    static func run(_ arguments: [String]) -> Int32? {
        var arguments = arguments
        do {
            if let gate = try GateOptions.taken(from: &arguments, environment: Environment.all) {
                return try run(arguments, at: gate)
            }
            guard let first = arguments.first, words.contains(first) || first.hasPrefix("--generate-completion-script")
            else {
                if let failure = MistypedCommand.failure(arguments) { throw failure }
                return nil
            }
            if let failure = MistypedCommand.below(arguments) { throw failure }
            var command = try HubgateCommand.parseAsRoot(arguments)
            try command.run()
            return Exit.ok
        } catch {
            return report(error)
        }
    }

    private static let parserPrefix = "Error: "

    /// Reports an error. Returns the exit code for it.
    static func report(_ error: any Error) -> Int32 {
        if let failure = error as? SubcommandFailure {
            Console.error("hubgate: \(failure.reason)\n")
            return failure.code
        }
        let message = HubgateCommand.fullMessage(for: error)
        let text = message.hasPrefix(parserPrefix) ? "hubgate: " + message.dropFirst(parserPrefix.count) : message
        let code = HubgateCommand.exitCode(for: error).rawValue
        if !text.isEmpty { code == Exit.ok ? Console.print(text + "\n") : Console.error(text + "\n") }
        return code
    }
}

/// Why a subcommand failed, and its exit code.
struct SubcommandFailure: Error {
    let code: Int32
    /// A sentence, without a full stop.
    let reason: String

    /// What the user typed is wrong.
    static func usage(_ reason: String) -> SubcommandFailure { SubcommandFailure(code: Exit.usage, reason: reason) }
    /// There is no such thing.
    static func notThere(_ reason: String) -> SubcommandFailure {
        SubcommandFailure(code: Exit.noInput, reason: reason)
    }
}

extension SubcommandFailure {
    /// The output file `path` cannot be made, by the system's error `number`.
    static func notMade(_ path: String, _ number: Int32) -> SubcommandFailure {
        let code =
            switch number {
            case EEXIST: Exit.usage
            case EACCES, EPERM, EROFS: Exit.noPermission
            case ENOSPC, EDQUOT, EIO: Exit.inputOutput
            default: Exit.cannotCreate
            }
        return SubcommandFailure(code: code, reason: "\(path.shown) cannot be made: \(SystemError.text(number))")
    }

    /// The input file `path` cannot be read.
    static func notRead(_ path: String, _ number: Int32) -> SubcommandFailure {
        SubcommandFailure(
            code: number == EACCES || number == EPERM ? Exit.noPermission : Exit.noInput,
            reason: "\(path.shown) cannot be read: \(SystemError.text(number))")
    }

    init(_ error: DatabaseError) {
        let code =
            switch error.kind {
            case .damaged, .tooNew: Exit.dataError
            case .refused: Exit.noPermission
            case .misplaced: Exit.config
            case .absent: Exit.noInput
            case .notMade: Exit.cannotCreate
            case .diskFull, .other: Exit.inputOutput
            case .busy: Exit.temporary
            case .conflict: Exit.usage
            }
        self.init(code: code, reason: error.description)
    }
}

extension Exit {
    static let usage: Int32 = 64
    static let dataError: Int32 = 65
    static let noInput: Int32 = 66
    static let inputOutput: Int32 = 74
    static let temporary: Int32 = 75
    static let noPermission: Int32 = 77
}

struct HubgateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hubgate",
        abstract: "An HTTPS gateway in front of the Hugging Face Hub.",
        discussion: "Without a subcommand it serves; `hubgate --help` lists the settings for that.",
        subcommands: [
            KeysCommand.self, LoginCommand.self, AuditCommand.self, UsageCommand.self, TrashCommand.self,
            CacheCommand.self, StateCommand.self,
            InitCommand.self, APICommand.self,
        ])
}

/// Where the state is: by the server's settings, from the environment and files, unless the flag says it.
struct StateOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the keys are kept.", valueName: "path"), completion: .directory)
    var stateDir: String?

    @Option(help: ArgumentHelp("The settings file of the gateway.", valueName: "path"), completion: .file())
    var config: String?

    private func reading() -> SettingsReading {
        var reading = SettingsReading(commandLine: [("state_dir", stateDir), ("config", config)])
        reading.checkRoles()
        return reading
    }

    /// The roles that the gateway's settings define here, and what is wrong with these settings.
    func roles() -> (book: RoleBook, problems: [SettingsError.Problem]) {
        let reading = reading()
        return (RoleBook(reading.settings.roles), reading.problems)
    }

    /// The settings as the server would read them here, without its flags. A fault in another setting does not matter.
    func settings() throws(SubcommandFailure) -> Settings {
        let reading = reading()
        if let problem = reading.problems.first(where: { $0.setting == "state_dir" || $0.setting == "config" }) {
            throw SubcommandFailure(code: Exit.config, reason: problem.description)
        }
        return reading.settings
    }

    func directory() throws(SubcommandFailure) -> StateDirectory {
        StateDirectory(try settings().stateDirectory)
    }

    /// Runs `body` on the table of keys.
    func withKeys<Result>(making: Bool = false, _ body: (KeyTable) throws -> Result) throws -> Result {
        try withDatabase(making: making) { try body(KeyTable(database: $0)) }
    }

    /// `making`: the database is made where there is none. Commands that only read make none: the directory may be mistyped.
    func withDatabase<Result>(making: Bool = false, _ body: (Database) throws -> Result) throws -> Result {
        let directory = try directory()
        do {
            return try body(making ? directory.open() : directory.openExisting())
        } catch let error as DatabaseError {
            throw SubcommandFailure(error)
        }
    }
}

extension SettingsReading {
    /// As the server would read them here, with these values of a subcommand's flags.
    init(commandLine values: [(name: String, value: String?)]) {
        var layer = SettingsLayer(.flag)
        for case (let name, let value?) in values {
            guard let setting = SettingsTable.all.first(where: { $0.name == name }) else { continue }
            layer.add(setting, value, .flag(setting.flag))
        }
        self.init(flags: layer, environment: Environment.all, files: SystemFiles.read)
    }
}
