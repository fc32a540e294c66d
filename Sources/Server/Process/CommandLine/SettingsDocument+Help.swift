import Hub

extension SettingsDocument {
    /// `--help`, for a terminal of 80 columns.
    static let help: String = {
        let head = """
            Usage: hubgate [--NAME VALUE | --NAME=VALUE]...

            An HTTPS gateway in front of the Hugging Face Hub. A setting `some_name` is the
            key some_name in the settings file, the variable HUBGATE_SOME_NAME in the
            environment or in .env, and the flag --some-name, each winning over the one
            before. Tokens come from HF_ACCESS_TOKEN or a token_file, never from a flag.

            """
        let groups = SettingsTable.groups.map { group in
            let settings = group.settings.filter { $0.refusals[.flag] == nil }
            return "\n\(group.title):\n" + settings.map(entry).joined()
        }
        let commands = CommandFlag.allCases.map { "  \($0.synopsis)\n" + wrapped($0.meaning) }
        let others = Subcommands.all.map { "  \($0.synopsis)\n" + wrapped($0.meaning) }
        return head + groups.joined() + "\nInstead of serving:\n" + commands.joined() + others.joined()
    }()

    private static func synopsis(_ setting: Setting) -> String {
        "\(setting.flag)\(setting.isSwitch ? "[=\(setting.kindName)]" : " \(setting.kindName)")"
    }

    private static func entry(_ setting: Setting) -> String {
        "  \(synopsis(setting))\n" + wrapped(setting.meaning) + wrapped("Default: \(setting.defaultText)")
    }

    /// Words on indented lines, as many as fit.
    static func wrapped(_ text: String, to columns: Int = 80) -> String {
        let indent = "        "
        var lines = [indent]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last == indent {
                lines[lines.count - 1] += word
            } else if last.count + 1 + word.count <= columns {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(indent + word)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
