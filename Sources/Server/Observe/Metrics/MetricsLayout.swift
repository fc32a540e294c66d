/// Where each metric's slots begin.
struct MetricsLayout: Sendable {
    static let shared = MetricsLayout(MetricsTable.all)

    /// By the metric's number.
    let offsets: [Int]
    let count: Int

    init(_ rows: [MetricRow]) {
        var offsets = [Int](repeating: -1, count: Metric.allCases.count)
        var next = 0
        for row in rows {
            offsets[row.metric.rawValue] = next
            next += row.series * row.width
        }
        precondition(!offsets.contains(-1), "a metric has no row in the table")
        self.offsets = offsets
        count = next
    }
}
