import EventIO
import HTTP

/// Settings on the way from texts to checked values, with the problems so far.
struct SettingsReading {
    var settings = Settings()
    private(set) var problems: [SettingsError.Problem] = []
    /// The value that counts, by the setting's name; a missing one has its default.
    private(set) var chosen: [String: SettingsLayer.Value] = [:]
    let files: FileReader
    let directories: DirectoryReader

    static let defaultPaths = ["config/hubgate.yaml", "/etc/hubgate/hubgate.yaml"]

    init(
        flags: SettingsLayer, environment: [String: String], files: @escaping FileReader,
        directories: @escaping DirectoryReader = SystemFiles.list
    ) {
        self.files = files
        self.directories = directories
        add(flags)
        add(SettingsLayer(environment: environment))
        add(SettingsLayer(conventions: environment))
        addDotEnv()
        addFile()
        dropConventionsOfAnotherProxy()
        readValues()
        check()
    }

    func provenance(_ name: String) -> Provenance {
        chosen[name]?.provenance ?? .default
    }

    /// Notes a problem that a check found, with the source that gave the setting.
    mutating func refuse(_ name: String, _ reason: String) {
        problems.append(.init(provenance(name), name, reason))
    }

    /// Nil: nothing gives it.
    mutating func choose(_ name: String, _ value: SettingsLayer.Value?) {
        chosen[name] = value
    }

    private mutating func add(_ layer: SettingsLayer) {
        problems += layer.problems
        chosen.merge(layer.values) { $0.place > $1.place ? $0 : $1 }
    }

    private mutating func addDotEnv() {
        let path = Provenance.dotEnvPath
        switch files(path) {
        case .bytes(let content): add(SettingsLayer(dotEnv: content))
        case .absent: break
        case .failed(let reason): problems.append(.init(nil, path, "cannot be read: \(reason)"))
        }
    }

    /// A file that is named has to exist; of the default ones the first that exists counts.
    private mutating func addFile() {
        for path in chosen["config"].map({ [$0.text] }) ?? Self.defaultPaths {
            switch files(path) {
            case .bytes(let content):
                settings.config = path
                return add(SettingsLayer(file: path, content))
            case .absent where chosen["config"] == nil: continue
            case .absent: return refuse("config", "there is no file \(path.shown)")
            case .failed(let reason): return refuse("config", "\(path.shown) cannot be read: \(reason)")
            }
        }
    }

    /// Values that do not count are not read: HF_ENDPOINT may be there for other programs.
    private mutating func readValues() {
        for setting in SettingsTable.all {
            guard let value = chosen[setting.name] else { continue }
            do throws(ValueError) {
                try setting.read(value.text, &settings)
            } catch {
                problems.append(.misfit(error, of: value.text, for: setting, at: value.provenance))
            }
        }
    }
}

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

/// Everything that is wrong with the settings, at once. The caller prints the lines and ends with EX_CONFIG (78).
struct SettingsError: Error, Equatable {
    struct Problem: Equatable, Sendable {
        let provenance: Provenance?
        let setting: String?
        let reason: String
    }

    let problems: [Problem]
}

extension SettingsError: CustomStringConvertible {
    /// One line for each problem, ended by a line feed.
    var description: String { problems.map { "hubgate: \($0)\n" }.joined() }
}

extension SettingsError.Problem: CustomStringConvertible {
    /// `config/hubgate.yaml:12: listen: "nowhere" is not understood; accepted: …`
    var description: String {
        [provenance?.description, setting, reason].compactMap(\.self).joined(separator: ": ")
    }
}

extension SettingsError.Problem {
    init(_ provenance: Provenance?, _ setting: String, _ reason: String) {
        self.init(provenance: provenance, setting: setting, reason: reason)
    }

    init(_ provenance: Provenance?, _ reason: String) {
        self.init(provenance: provenance, setting: nil, reason: reason)
    }

    static func misfit(_ misfit: ValueError, of value: String, for setting: Setting, at provenance: Provenance) -> Self
    {
        if misfit.isSentence { return Self(provenance, setting.name, misfit.reason) }
        // A mapping is long, and has many lines in the file.
        let subject = setting.isSecret ? Secret.mask : setting.isMapping ? "it" : "\"\(value.shown)\""
        return Self(provenance, setting.name, "\(subject) \(misfit.reason); accepted: \(setting.accepted)")
    }
}
