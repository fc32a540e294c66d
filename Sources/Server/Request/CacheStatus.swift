/// What part the cache had in a response: the field `Cache-Status` (RFC 9211), the metric and the log.
enum CacheStatus: Equatable {
    /// Why the Hub was asked.
    enum Forward: String {
        /// The cache has nothing to do with what was asked for.
        case bypass
        /// Nor with what changes something.
        case method
        case uriMiss = "uri-miss"
        /// What is kept was chosen by other fields.
        case varyMiss = "vary-miss"
        /// The client wants the Hub's word.
        case request
        /// What is kept is not good any more.
        case stale
    }

    /// It was kept, and is good for so many seconds; negative, where it is given out while the Hub is asked.
    case hit(ttl: Int)
    /// It was kept, and the Hub has said that it is still right.
    case validated
    /// It was kept, and the Hub cannot say whether it is still right: what it answered instead, where it did.
    case standIn(status: Int?, ttl: Int)
    case forwarded(Forward)
    /// It is what the Hub said to another who asked the same then.
    case collapsed

    /// The field's value. `isStored`: the response is kept from here on.
    func field(isStored: Bool = false) -> String {
        switch self {
        case .hit(let ttl): "hubgate; hit; ttl=\(ttl)"
        case .validated: "hubgate; fwd=stale; fwd-status=304"
        case .standIn(let status, let ttl):
            "hubgate; fwd=stale" + (status.map { "; fwd-status=\($0)" } ?? "") + "; ttl=\(ttl); detail=stale-if-error"
        case .forwarded(let reason): "hubgate; fwd=\(reason.rawValue)" + (isStored ? "; stored" : "")
        case .collapsed: "hubgate; fwd=uri-miss; collapsed"
        }
    }
}
