/// The cache's part in a response: the field `Cache-Status` (RFC 9211), the metric and the log.
enum CacheStatus: Equatable {
    /// Why the Hub was asked.
    enum Forward: String {
        /// The cache does not apply to the request.
        case bypass
        /// The request changes something.
        case method
        case uriMiss = "uri-miss"
        /// The stored response was chosen by other fields.
        case varyMiss = "vary-miss"
        /// The client wants a response from the Hub.
        case request
        /// The stored response is not fresh any more.
        case stale
    }

    /// A stored response, which is fresh for so many seconds; negative, where it is given out while the Hub is asked.
    case hit(ttl: Int)
    /// A stored response that the Hub has validated.
    case validated
    /// A stored response that the Hub cannot validate now, and the status that it sent instead, if any.
    case standIn(status: Int?, ttl: Int)
    case forwarded(Forward)
    /// The Hub's response to an identical request at that time.
    case collapsed

    /// The field's value. `isStored`: the response is stored from here on.
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
