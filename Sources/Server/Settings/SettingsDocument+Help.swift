extension SettingsDocument {
    /// `--help`.
    static let help: String = {
        let flags = SettingsTable.all.map(synopsis) + CommandFlag.allCases.map(\.synopsis)
        let width = (flags.map(\.count).max() ?? 0) + 4
        let head = """
            Usage: hubgate [--NAME VALUE | --NAME=VALUE]...

            An HTTPS gateway in front of the Hugging Face Hub. A setting `some_name` is the key some_name in the
            settings file, the variable HUBGATE_SOME_NAME in the environment or in .env, and the flag --some-name,
            each winning over the one before. Tokens come from HF_ACCESS_TOKEN or a token_file, never from a flag.

            """
        let groups = SettingsTable.groups.map { group in
            let settings = group.settings.filter { $0.refusals[.flag] == nil }
            return "\n\(group.title):\n" + settings.map { entry($0, width) }.joined()
        }
        let commands = CommandFlag.allCases.map { "  \($0.synopsis)".padded(to: width) + $0.meaning + "\n" }
        return head + groups.joined() + "\nInstead of serving:\n" + commands.joined()
    }()

    private static func synopsis(_ setting: Setting) -> String {
        "\(setting.flag)\(setting.isSwitch ? "[=\(setting.kindName)]" : " \(setting.kindName)")"
    }

    private static func entry(_ setting: Setting, _ width: Int) -> String {
        "  \(synopsis(setting))".padded(to: width) + setting.meaning + "\n"
            + "".padded(to: width) + "Default: \(setting.presetText)\n"
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
