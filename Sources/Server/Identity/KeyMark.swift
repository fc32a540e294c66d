/// A key, and what it might do when something was given out in its name.
struct KeyMark: Sendable, Equatable {
    let id: Int64
    /// `SharedGrant.digest` at that time.
    let rights: UInt64
}
