extension Layer {
    /// The settings file. A key without a value gives nothing.
    init(file path: String, _ content: [UInt8]) {
        self.init(.file)
        let entries: [YAMLScalars.Entry]
        do throws(YAMLScalars.Fault) {
            entries = try YAMLScalars.read(content)
        } catch {
            problems.append(.init(.file(path: path, line: error.line), error.reason))
            return
        }
        var lines: [String: Int] = [:]
        for entry in entries {
            let provenance = Provenance.file(path: path, line: entry.line)
            if let first = lines.updateValue(entry.line, forKey: entry.key) {
                problems.append(.init(provenance, entry.key.shown, "was given before, on line \(first)"))
            } else {
                add(entry, provenance)
            }
        }
    }

    private mutating func add(_ entry: YAMLScalars.Entry, _ provenance: Provenance) {
        guard let setting = SettingsTable.all.first(where: { $0.name == entry.key }) else {
            let suggestion = Suggestion.text(for: entry.key, among: SettingsTable.all.map(\.name))
            problems.append(.init(provenance, "there is no setting \(entry.key.shown)\(suggestion)"))
            return
        }
        if !entry.value.isEmpty { add(setting, entry.value, provenance) }
    }
}
