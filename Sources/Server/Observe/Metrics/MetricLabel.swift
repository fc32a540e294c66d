/// A label and every value that it can have: nothing that a client sent is ever one.
struct MetricLabel: Sendable {
    let name: String
    let values: [String]
    /// For the documentation, in place of values that differ from machine to machine.
    let meaning: String?

    init(_ name: String, _ values: [String], meaning: String? = nil) {
        self.name = name
        self.values = values
        self.meaning = meaning
    }

    init<Place: MetricPlace>(_ name: String, _ places: Place.Type) {
        self.init(name, Place.allCases.map(\.label))
    }
}
