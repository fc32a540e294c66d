/// One row of the table. Closures over its field in `Settings` hide the type of its value.
struct Setting: Sendable {
    /// The key in the file. The variable and the flag follow from it.
    let name: String
    /// One sentence.
    let meaning: String
    let kindName: String
    let accepted: String
    let isSwitch: Bool
    let isList: Bool
    let isMapping: Bool
    let isReloadable: Bool
    let isSecret: Bool
    /// The default for the documentation: a value, or words when it depends on something.
    let defaultText: String
    /// A value that the sample file can show.
    let sample: String
    /// Other environment variables that give it, in order; its own goes first.
    let aliases: [String]
    /// Variables in which the environment has the same for all programs: they count where none of our own places gives a value.
    let conventions: [String]
    /// The places that may not give it, and what to do instead.
    let refusals: [SettingSource: String]

    let read: @Sendable (String, inout Settings) throws(ValueError) -> Void
    let text: @Sendable (Settings) -> String
    let isSame: @Sendable (Settings, Settings) -> Bool
    let copy: @Sendable (Settings, inout Settings) -> Void

    static let variablePrefix = "HUBGATE_"
    var variable: String { Self.variablePrefix + name.uppercased() }
    var flag: String { "--" + name.replacing("_", with: "-") }

    init<Value: Equatable & Sendable>(
        _ name: String, _ field: any WritableKeyPath<Settings, Value> & Sendable, _ kind: ValueCodec<Value>,
        _ meaning: String,
        reloadable: Bool = false, secret: Bool = false, default usual: String? = nil, sample: String? = nil,
        aliases: [String] = [], conventions: [String] = [], refusals: [SettingSource: String] = [:]
    ) {
        self.name = name
        self.meaning = meaning
        kindName = kind.name
        accepted = kind.accepted
        isSwitch = kind.isSwitch
        isList = kind.isList
        isMapping = kind.isMapping
        isReloadable = reloadable
        isSecret = secret
        let initial = kind.text(Settings()[keyPath: field])
        defaultText = usual ?? initial
        self.sample = sample ?? initial
        self.aliases = aliases
        self.conventions = conventions
        self.refusals = refusals
        read = { (text, settings) throws(ValueError) in settings[keyPath: field] = try kind.read(text) }
        text = { kind.text($0[keyPath: field]) }
        isSame = { $0[keyPath: field] == $1[keyPath: field] }
        copy = { $1[keyPath: field] = $0[keyPath: field] }
    }
}
