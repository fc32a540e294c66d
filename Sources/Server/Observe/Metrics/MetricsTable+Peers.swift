extension MetricsTable {
    static let peers = Group(
        title: "Replicas",
        rows: [
            MetricRow(
                .peerRequests, "hubgate_peer_requests_total", .counter,
                "Calls to other replicas for bytes of files that these fetch for all (refused: it answered an error; wrong: what came was, in all, not "
                    + "the file; busy: it has enough to do; skipped: it was not asked, as it failed a while ago). But for ok and cancelled "
                    + "the store was asked for the rest.",
                by: [MetricLabel("result", MetricLabels.PeerResult.self)]),
            MetricRow(
                .peerReceivedBytes, "hubgate_peer_received_bytes_total", .counter,
                "Bytes of files that came from other replicas, a part of hubgate_file_cache_filled_bytes_total."),
            MetricRow(
                .peerCalls, "hubgate_peer_calls_total", .counter,
                "Calls of other replicas here (unknown: no signature of a replica, or one that is old or was used; refused: not a file of "
                    + "this one's to fetch, or an address that is none of content_hosts; busy: too many at once).",
                by: [MetricLabel("result", MetricLabels.PeerAnswer.self)]),
        ])
}

extension MetricLabels {
    /// How a call to another replica ended.
    enum PeerResult: Int, MetricLabelValue {
        case ok, unreachable, tooSlow, refused, broken, wrong, busy, cancelled, skipped
    }

    /// How a call of another replica was answered.
    enum PeerAnswer: Int, MetricLabelValue {
        case served, unknown, refused, busy
    }
}
