/// What part the cache had in a response: the field `Cache-Status` (RFC 9211), the metric and the log.
enum CacheStatus: Equatable {
    /// It was kept, and is good for so many seconds; negative, where it is given out while or because the Hub cannot be asked.
    case hit(ttl: Int)
    /// It was kept, and the Hub has said that it is still right.
    case validated
    /// It was kept, and the Hub cannot say whether it is still right: what it answered instead, where it did.
    case standIn(status: Int?)
    /// It was not kept.
    case miss
    /// It was, and is not good any more.
    case outdated
    /// The cache has nothing to do with it.
    case bypass

    /// The field's value.
    var field: String {
        switch self {
        case .hit(let ttl): "hubgate; hit; ttl=\(ttl)"
        case .validated: "hubgate; fwd=stale; fwd-status=304"
        case .standIn(let status):
            "hubgate; fwd=stale" + (status.map { "; fwd-status=\($0)" } ?? "") + "; detail=stale-if-error"
        case .miss: "hubgate; fwd=uri-miss"
        case .outdated: "hubgate; fwd=stale"
        case .bypass: "hubgate; fwd=bypass"
        }
    }
}
