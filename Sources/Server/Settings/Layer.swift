/// What one place says: the values it gives, by the setting's name, and what is wrong with it.
struct Layer {
    struct Value: Equatable {
        let text: String
        let provenance: Provenance
        let place: Place
    }

    let place: Place
    private(set) var values: [String: Value] = [:]
    var problems: [SettingsError.Problem] = []

    init(_ place: Place) {
        self.place = place
    }

    /// Notes a value, unless the setting may not be given here.
    mutating func add(_ setting: Setting, _ text: String, _ provenance: Provenance) {
        if let refusal = setting.refusals[place] {
            problems.append(.init(provenance, setting.name, refusal))
        } else {
            values[setting.name] = Value(text: text, provenance: provenance, place: place)
        }
    }
}
