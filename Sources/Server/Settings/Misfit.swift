/// Why a text is no value of its kind: the end of a sentence that began with the value, such as `has no unit`.
struct Misfit: Error, Equatable {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    static let unknown = Misfit("is not understood")
}
