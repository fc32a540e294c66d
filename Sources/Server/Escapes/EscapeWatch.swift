/// Counts escapes, and tells of each kind once.
@EventLoop
final class EscapeWatch {
    /// What a Hub can fill with names of hosts.
    private static let most = 1000

    private let metrics: Metrics
    private let warn: (String) -> Void
    private var told: Set<Escape> = []

    /// `warn` gets one line, without a path or a query.
    init(metrics: Metrics, warn: @escaping (String) -> Void) {
        self.metrics = metrics
        self.warn = warn
    }

    func note(_ escape: Escape) {
        metrics.add(.escapes, at: escape.place.rawValue)
        guard told.count < Self.most, told.insert(escape).inserted else { return }
        warn(
            "An answer of the Hub leads clients past this gateway: \(escape.place.words) names \(escape.host). "
                + "hubgate_escapes_total counts them; strict_escape answers 502 instead.")
    }
}
