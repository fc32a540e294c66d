/// How much of a body is collected, and for how long.
struct BodyBounds: Sendable {
    let bytes: Int
    /// From the moment the body is wanted to its last byte.
    let milliseconds: UInt64
}
