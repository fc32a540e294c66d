import EventIO
import HTTP
import Hub

/// The program's task, by its command line, environment and files.
enum Command: Sendable {
    case serve(Settings)
    /// The settings are valid; the files that they name can be checked, too.
    case check(Settings)
    /// A text for standard output: help, the settings in force, a document.
    case print(String)
    /// Asks a running gateway with these settings whether it is healthy.
    case probe(Settings)
    case version

    /// `arguments` without the program's own name. Nothing is read but through `files`.
    static func read(
        arguments: [String], environment: [String: String], files: @escaping FileReader,
        directories: @escaping DirectoryReader = SystemFiles.list
    ) -> Result<Command, SettingsError> {
        let arguments = Arguments(arguments)
        if arguments.commands.contains(.help) { return .success(.print(SettingsDocument.help)) }
        if arguments.commands.contains(.version) { return .success(.version) }
        if let document = arguments.document, arguments.layer.problems.isEmpty {
            return .success(.print(document.text))
        }
        var reading = SettingsReading(
            flags: arguments.layer, environment: environment, files: files, directories: directories)
        reading.checkRoles()
        reading.checkLogins()
        reading.checkClients()
        guard reading.problems.isEmpty else { return .failure(SettingsError(problems: reading.problems)) }
        var settings = reading.settings
        settings.origins = reading.chosen.mapValues(\.provenance.description)
        switch arguments.commands.first {
        case .check: return .success(.check(settings))
        case .probe: return .success(.probe(reading.settings))
        case .printConfig: return .success(.print(reading.text))
        default: return .success(.serve(settings))
        }
    }
}

/// The flags that ask for something other than serving.
enum CommandFlag: String, CaseIterable, Sendable {
    case check = "--check"
    case printConfig = "--print-config"
    case printDocs = "--print-docs"
    case probe = "--probe"
    case version = "--version"
    case help = "--help"

    var meaning: String {
        switch self {
        case .check: "Reads the settings, says what is wrong with them, and ends."
        case .printConfig: "Prints each setting and where its value came from; tokens are hidden."
        case .printDocs: "Prints a file made from a table: settings, sample, env, metrics, operations or openapi."
        case .probe: "Asks the gateway on this machine whether it is healthy, for container health checks."
        case .version: "Prints the version."
        case .help: "Prints this."
        }
    }

    var synopsis: String { self == .printDocs ? rawValue + " NAME" : rawValue }
}

/// The command line in its parts: the task, and the settings that flags give.
///
/// An unexpected word is never repeated in an error: it may be a token.
struct Arguments {
    private(set) var layer = SettingsLayer(.flag)
    private(set) var commands: [CommandFlag] = []
    private(set) var document: SettingsDocument?

    private var rest: ArraySlice<String>

    /// Without the program's own name.
    init(_ arguments: [String]) {
        rest = arguments[...]
        var hasStray = false
        while let argument = rest.popFirst() {
            if argument == "-h" {
                commands.append(.help)
            } else if argument.hasPrefix("--"), argument != "--" {
                readFlag(argument)
            } else {
                hasStray = true
            }
        }
        if hasStray {
            let reason =
                "an argument has no flag before it; settings are --name VALUE or --name=VALUE, "
                + "and on/off settings --name or --name=off"
            layer.problems.append(.init(nil, reason))
        }
        let asked = Set(commands)
        if asked.count > 1, asked.isDisjoint(with: [.help, .version]) {
            let names = commands.map(\.rawValue).joined(separator: " and ")
            layer.problems.append(.init(nil, "\(names) exclude each other"))
        }
    }

    private mutating func readFlag(_ argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let flag = String(parts[0])
        let attached = parts.count > 1 ? String(parts[1]) : nil
        if let command = CommandFlag(rawValue: flag) {
            readCommand(command, attached)
        } else if let setting = SettingsTable.all.first(where: { $0.flag == flag }) {
            readSetting(setting, attached)
        } else {
            if attached == nil { _ = following() }
            let known = SettingsTable.all.map(\.flag) + CommandFlag.allCases.map(\.rawValue)
            let suggestion =
                RenamedSettings.hint(for: flag) { "--" + $0.replacing("_", with: "-") }
                ?? Suggestion.text(for: flag, among: known, prefix: "--")
            layer.problems.append(.init(.flag(flag), "there is no such flag\(suggestion)"))
        }
    }

    private mutating func readSetting(_ setting: Setting, _ attached: String?) {
        let implied = setting.isSwitch ? "on" : nil
        // A setting that no flag may give is refused for that, with or without a value.
        let refused = setting.refusals[.flag] == nil ? nil : ""
        guard let value = attached ?? implied ?? following() ?? refused else {
            layer.problems.append(.init(.flag(setting.flag), "the value is missing; accepted: \(setting.accepted)"))
            return
        }
        layer.add(setting, value, .flag(setting.flag))
    }

    private mutating func readCommand(_ command: CommandFlag, _ attached: String?) {
        commands.append(command)
        if command == .printDocs {
            document = (attached ?? following()).flatMap(SettingsDocument.init(rawValue:))
            if document != nil { return }
            let names = SettingsDocument.allCases.map(\.rawValue).joined(separator: ", ")
            let reason = "the document is missing or unknown; accepted: \(names)"
            layer.problems.append(.init(.flag(command.rawValue), reason))
        } else if attached != nil {
            layer.problems.append(.init(.flag(command.rawValue), "takes no value"))
        }
    }

    /// The next argument, if it is a value.
    private mutating func following() -> String? {
        guard let next = rest.first, !next.hasPrefix("--") else { return nil }
        return rest.popFirst()
    }
}
