/// What the command line, the environment and the files ask the program to do.
enum Command: Sendable {
    case serve(Settings)
    /// The settings are good; what they name may be tried too.
    case check(Settings)
    /// A text for standard output: help, the settings in force, a document.
    case print(String)
    case version

    /// `arguments` without the program's own name. Nothing is read but through `files`.
    static func read(
        arguments: [String], environment: [String: String], files: @escaping FileReader
    ) -> Result<Command, SettingsError> {
        let arguments = Arguments(arguments)
        if arguments.commands.contains(.help) { return .success(.print(SettingsDocument.help)) }
        if arguments.commands.contains(.version) { return .success(.version) }
        if let document = arguments.document, arguments.layer.problems.isEmpty {
            return .success(.print(document.text))
        }
        let reading = SettingsReading(flags: arguments.layer, environment: environment, files: files)
        guard reading.problems.isEmpty else { return .failure(SettingsError(problems: reading.problems)) }
        switch arguments.commands.first {
        case .check: return .success(.check(reading.settings))
        case .printConfig: return .success(.print(reading.text))
        default: return .success(.serve(reading.settings))
        }
    }
}
