import ArgumentParser

/// Finds words on the command line that are meant as a command and are none. Flags and their values are checked by `Arguments`.
enum MistypedCommand {
    /// Nil where the command line could be one that serves. Not called where help is asked for, which is given however wrong the rest is.
    static func failure(_ arguments: [String]) -> SubcommandFailure? {
        guard let first = arguments.first, !first.isEmpty,
            !arguments.contains(where: { ["-h", CommandFlag.help.rawValue, CommandFlag.version.rawValue].contains($0) })
        else { return nil }
        if first.hasPrefix("--") { return afterFlags(arguments) }
        return .usage("\(named(first)) is neither a command nor a flag\(remedy(first)); `hubgate --help` lists both")
    }

    /// The word itself only where it looks like a command: it may be a token or a password.
    private static func named(_ text: String) -> String {
        let isWord =
            text.utf8.count <= 12 && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-") }
        return isWord || text.utf8.count == 2 && text.hasPrefix("-") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            ? "`\(text)`" : "the first argument"
    }

    /// Words that other programs use for serving.
    private static let serving = ["start", "serve", "server", "run", "up"]
    private static let flags = ["-v": CommandFlag.version, "-V": .version]

    private static func remedy(_ word: String) -> String {
        if serving.contains(word) { return " (`hubgate` without a command serves)" }
        let asked = CommandFlag.allCases.map(\.rawValue)
        let found =
            flags[word]?.rawValue ?? asked.first { $0 == "--" + word }
            ?? Suggestion.nearest(to: word, among: Subcommands.words + asked.map { String($0.dropFirst(2)) })
            .map { name in Subcommands.words.contains(name) ? name : "--" + name }
        return found.map { " (did you mean `\($0)`?)" } ?? ""
    }

    /// Flags with values that exist on this machine, so that a command line with them is safe to repeat.
    private static let common = ["--state-dir", "--config", "--cache-dir"]

    /// A command after flags: `hubgate --state-dir .state keys list`.
    private static func afterFlags(_ arguments: [String]) -> SubcommandFailure? {
        var index = 0
        var areCommon = true
        while index < arguments.count, arguments[index].hasPrefix("--") {
            let flag = arguments[index].prefix { $0 != "=" }
            areCommon = areCommon && common.contains(String(flag))
            let isWhole = flag.count < arguments[index].count
            let setting = SettingsTable.all.first { $0.flag == flag }
            let takesValue =
                !isWhole && setting.map { !$0.isSwitch } ?? (CommandFlag(rawValue: String(flag)) == .printDocs)
            index += 1
            // A value may look like a command: `--config state`.
            if takesValue, index < arguments.count, !arguments[index].hasPrefix("--") { index += 1 }
        }
        guard index < arguments.count, Subcommands.words.contains(arguments[index]) else { return nil }
        let words = areCommon ? Array(arguments[index...] + arguments[..<index]) : [arguments[index], "--help"]
        let line = words.map { $0.contains(" ") ? "'\($0.shown)'" : $0.shown }.joined(separator: " ")
        return .usage("flags of a command come after it: `hubgate \(line)`")
    }
}

extension MistypedCommand {
    /// For a command that has subcommands: `hubgate keys creat x`.
    static func below(_ arguments: [String]) -> SubcommandFailure? {
        var command: any ParsableCommand.Type = HubgateCommand.self
        var path = ""
        for argument in arguments {
            let known = command.configuration.subcommands
            guard let next = known.first(where: { $0.configuration.commandName == argument }) else {
                guard !path.isEmpty, !known.isEmpty, !argument.hasPrefix("-"), argument != "help" else { return nil }
                let names = known.compactMap { $0.configuration.commandName }
                let suggestion =
                    Suggestion.nearest(to: argument, among: names).map { " (did you mean `\(path)\($0)`?)" } ?? ""
                return .usage(
                    "there is no command `\(path)\(argument.shown)`\(suggestion); `hubgate \(path)--help` lists them")
            }
            path += argument + " "
            command = next
        }
        return nil
    }
}
