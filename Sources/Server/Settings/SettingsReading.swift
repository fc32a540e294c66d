/// Settings on their way from texts to checked values, with what went wrong so far.
struct SettingsReading {
    var settings = Settings()
    private(set) var problems: [SettingsError.Problem] = []
    /// The value that won, by the setting's name; what is absent here has its default.
    private(set) var chosen: [String: Layer.Value] = [:]
    let files: FileReader

    static let defaultPaths = ["config/hubgate.yaml", "/etc/hubgate/hubgate.yaml"]

    init(flags: Layer, environment: [String: String], files: @escaping FileReader) {
        self.files = files
        add(flags)
        add(Layer(environment: environment))
        addDotEnv()
        addFile()
        readValues()
        check()
    }

    func provenance(_ name: String) -> Provenance {
        chosen[name]?.provenance ?? .preset
    }

    /// Notes a problem that a check found, at the place that gave the setting.
    mutating func refuse(_ name: String, _ reason: String) {
        problems.append(.init(provenance(name), name, reason))
    }

    mutating func choose(_ name: String, _ value: Layer.Value) {
        chosen[name] = value
    }

    private mutating func add(_ layer: Layer) {
        problems += layer.problems
        chosen.merge(layer.values) { $0.place > $1.place ? $0 : $1 }
    }

    private mutating func addDotEnv() {
        let path = Provenance.dotEnvPath
        switch files(path) {
        case .bytes(let content): add(Layer(dotEnv: content))
        case .absent: break
        case .failed(let reason): problems.append(.init(nil, path, "cannot be read: \(reason)"))
        }
    }

    /// A file that is named has to be there; of the default ones the first that is there counts.
    private mutating func addFile() {
        for path in chosen["config"].map({ [$0.text] }) ?? Self.defaultPaths {
            switch files(path) {
            case .bytes(let content):
                settings.config = path
                return add(Layer(file: path, content))
            case .absent where chosen["config"] == nil: continue
            case .absent: return refuse("config", "there is no file \(path.shown)")
            case .failed(let reason): return refuse("config", "\(path.shown) cannot be read: \(reason)")
            }
        }
    }

    /// Values that lost are not looked at: HF_ENDPOINT may be there for other programs.
    private mutating func readValues() {
        for setting in SettingsTable.all {
            guard let value = chosen[setting.name] else { continue }
            do throws(Misfit) {
                try setting.read(value.text, &settings)
            } catch {
                problems.append(.misfit(error, of: value.text, for: setting, at: value.provenance))
            }
        }
    }
}
