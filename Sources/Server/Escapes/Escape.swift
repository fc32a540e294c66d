/// A place in an answer that would lead a client past the gateway.
struct Escape: Hashable, Sendable {
    let place: MetricPlaces.Escape
    /// Where it leads; the path and the query, in which there may be a secret, are not kept.
    let host: String
}
