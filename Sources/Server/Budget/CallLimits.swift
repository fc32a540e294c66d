/// How many calls there may be.
struct CallLimits: Equatable, Sendable {
    /// That work at once: what a caller gives or takes is not waited for.
    var working: Int
    /// Those that wait for their clients counted in.
    var total: Int
    /// Callers that wait for a call.
    var waiting: Int
}
