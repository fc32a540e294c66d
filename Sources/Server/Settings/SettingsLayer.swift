import EventIO
import HTTP
import Hub

/// The values of one source, by the setting's name, and what is wrong with them.
struct SettingsLayer {
    struct Value: Equatable {
        let text: String
        let provenance: Provenance
        let place: SettingSource
    }

    let place: SettingSource
    private(set) var values: [String: Value] = [:]
    var problems: [SettingsError.Problem] = []

    init(_ place: SettingSource) {
        self.place = place
    }

    /// Notes a value, unless this source may not give the setting.
    mutating func add(_ setting: Setting, _ text: String, _ provenance: Provenance) {
        if let refusal = setting.refusals[place] {
            problems.append(.init(provenance, setting.name, refusal))
        } else if place == .flag, setting.isList, let before = values[setting.name] {
            values[setting.name] = Value(text: before.text + "," + text, provenance: provenance, place: place)
        } else {
            values[setting.name] = Value(text: text, provenance: provenance, place: place)
        }
    }
}

extension SettingsLayer {
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

    /// Variables of the environment that are for all programs, and not ours.
    init(conventions environment: [String: String]) {
        self.init(.convention)
        for setting in SettingsTable.all {
            let given = setting.conventions.lazy.compactMap { name in environment[name].map { (name, $0) } }
            guard let (name, value) = given.first(where: { !$0.1.isEmpty }) else { continue }
            add(setting, value, .environment(variable: name))
        }
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

    /// The key of an administrator for `--gate`: no setting, and no mistake.
    static let adminKeyVariable = Setting.variablePrefix + "ADMIN_KEY"

    /// An empty variable counts as absent: compose files and unit files say so that there is none.
    private mutating func addVariables(_ variables: [String: Variable]) {
        for setting in SettingsTable.all {
            let names = [setting.variable] + setting.aliases
            guard let variable = names.lazy.compactMap({ variables[$0] }).first(where: { !$0.value.isEmpty })
            else { continue }
            add(setting, variable.value, variable.provenance)
        }
        let known = SettingsTable.all.map(\.variable)
        let unknown = variables.filter { name, variable in
            name.hasPrefix(Setting.variablePrefix) && !known.contains(name) && name != Self.adminKeyVariable
                && !Self.isServiceLink(name.dropFirst(Setting.variablePrefix.count), variable.value)
        }
        for (name, variable) in unknown.sorted(by: { $0.key < $1.key }) {
            let suggestion =
                RenamedSettings.hint(for: name) { Setting.variablePrefix + $0.uppercased() }
                ?? Suggestion.text(for: name, among: known, prefix: Setting.variablePrefix)
            problems.append(.init(variable.provenance, "there is no setting \(name.shown)\(suggestion)"))
        }
    }

    /// Kubernetes puts these into every pod beside a service with the name hubgate.
    private static func isServiceLink(_ name: Substring, _ value: String) -> Bool {
        if name == "PORT" { return value.contains("://") }
        return name == "SERVICE_HOST" || name == "SERVICE_PORT" || name.hasPrefix("SERVICE_PORT_")
            || name.hasPrefix("PORT_") && name.dropFirst(5).first?.isNumber == true
    }
}

extension SettingsLayer {
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
        for (index, entry) in entries.enumerated() where !entry.isNested {
            let provenance = Provenance.file(path: path, line: entry.line)
            if let first = lines.updateValue(entry.line, forKey: entry.key) {
                problems.append(.init(provenance, entry.key.shown, "was given before, on line \(first)"))
            } else {
                add(entry, entries[(index + 1)...].prefix(while: \.isNested), provenance)
            }
        }
    }

    /// The name for a file of a setting that is written in another form: `HUBGATE_LISTEN`, `--listen`.
    private static func nameOfVariable(_ key: String) -> String? {
        SettingsTable.all.first { $0.variable == key || $0.flag == key || $0.aliases.contains(key) }.map {
            $0.refusals[.file].map { "; \($0)" } ?? "; write \($0.name)"
        }
    }

    /// With the entries below it, where it is a mapping.
    private mutating func add(
        _ entry: YAMLScalars.Entry, _ nested: ArraySlice<YAMLScalars.Entry>, _ provenance: Provenance
    ) {
        guard let setting = SettingsTable.all.first(where: { $0.name == entry.key }) else {
            let suggestion =
                RenamedSettings.hint(for: entry.key) ?? Self.nameOfVariable(entry.key)
                ?? Suggestion.text(for: entry.key, among: SettingsTable.all.map(\.name))
            problems.append(.init(provenance, "there is no setting \(entry.key.shown)\(suggestion)"))
            return
        }
        guard entry.kind != .mapping else {
            if setting.isMapping { return add(setting, YAMLFlow.text(nested), provenance) }
            problems.append(
                .init(
                    provenance, setting.name,
                    "a nested mapping is not accepted; settings are `name: value` lines"))
            return
        }
        guard entry.kind != .list || setting.isList else {
            problems.append(
                .init(
                    provenance, setting.name,
                    "a list is not accepted; give one value (a value that begins with [ or - needs quotes)"))
            return
        }
        if !entry.value.isEmpty { add(setting, entry.value, provenance) }
    }
}

/// Where a setting can be given, in the order of precedence: a later one wins.
enum SettingSource: Int, Comparable, Sendable {
    case convention, file, dotEnv, environment, flag

    static func < (left: SettingSource, right: SettingSource) -> Bool { left.rawValue < right.rawValue }
}

/// The source of a value, in a form by which an operator finds it.
enum Provenance: Equatable, Sendable {
    case `default`
    case file(path: String, line: Int)
    case environment(variable: String)
    case flag(String)

    static let dotEnvPath = ".env"
}

extension Provenance: CustomStringConvertible {
    var description: String {
        switch self {
        case .default: "default"
        case .file(let path, let line): "\(path.shown):\(line)"
        case .environment(let variable): "environment variable \(variable.shown)"
        case .flag(let flag): "flag \(flag.shown)"
        }
    }
}
