extension Layer {
    struct Variable {
        let value: String
        let provenance: Provenance
    }

    /// The environment of the process.
    init(environment: [String: String]) {
        self.init(.environment)
        addVariables(
            environment.reduce(into: [:]) { variables, pair in
                let provenance = Provenance.environment(variable: pair.key)
                variables[pair.key] = Variable(value: pair.value, provenance: provenance)
            })
    }

    /// The `.env` file of the working directory. The last of two lines for a variable counts, as in a shell.
    init(dotEnv content: [UInt8]) {
        self.init(.dotEnv)
        let file = DotEnv(content)
        problems = file.faults.map {
            .init(.file(path: Provenance.dotEnvPath, line: $0.line), $0.reason)
        }
        addVariables(
            file.entries.reduce(into: [:]) { variables, entry in
                let provenance = Provenance.file(path: Provenance.dotEnvPath, line: entry.line)
                variables[entry.name] = Variable(value: entry.value, provenance: provenance)
            })
    }

    /// An empty variable counts as absent: it is how compose files and unit files say that there is none.
    private mutating func addVariables(_ variables: [String: Variable]) {
        for setting in SettingsTable.all {
            let names = [setting.variable] + setting.aliases
            guard let variable = names.lazy.compactMap({ variables[$0] }).first(where: { !$0.value.isEmpty })
            else { continue }
            add(setting, variable.value, variable.provenance)
        }
        let known = SettingsTable.all.map(\.variable)
        let unknown = variables.filter { name, variable in
            name.hasPrefix(Setting.variablePrefix) && !known.contains(name)
                && !Self.isServiceLink(name.dropFirst(Setting.variablePrefix.count), variable.value)
        }
        for (name, variable) in unknown.sorted(by: { $0.key < $1.key }) {
            let suggestion = Suggestion.text(for: name, among: known, prefix: Setting.variablePrefix)
            problems.append(.init(variable.provenance, "there is no setting \(name.shown)\(suggestion)"))
        }
    }

    /// Kubernetes puts these in every pod beside a service that is called hubgate.
    private static func isServiceLink(_ name: Substring, _ value: String) -> Bool {
        if name == "PORT" { return value.contains("://") }
        return name == "SERVICE_HOST" || name == "SERVICE_PORT" || name.hasPrefix("SERVICE_PORT_")
            || name.hasPrefix("PORT_") && name.dropFirst(5).first?.isNumber == true
    }
}
