extension SettingsReading {
    /// `--print-config`: `name = value`, and in parentheses where the value came from. Tokens are hidden.
    var text: String {
        let width = SettingsTable.all.map(\.name.count).max() ?? 0
        let lines = SettingsTable.all.map { setting in
            let value = setting.text(settings)
            let name = setting.name.padded(to: width)
            return "\(name) = \(value.isEmpty ? "not set" : value) (\(provenance(setting.name)))\n"
        }
        return lines.joined()
    }
}
