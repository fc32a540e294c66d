/// A key, and its rights at the time when something was given out in its name.
struct KeyMark: Sendable, Equatable {
    let id: Int64
    /// `SharedGrant.digest` at that time.
    let rights: UInt64
}
