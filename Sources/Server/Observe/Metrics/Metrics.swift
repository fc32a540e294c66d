internal import Hub

/// Counts what happens. To count is to add to a slot of an array: no text, no look-up, no allocation.
@EventLoop
final class Metrics {
    private let slots: MetricSlots
    private let offsets: [Int]
    private let buckets = MetricRow.bounds.count + 1
    private let noRoute = MetricsTable.noRoute
    private let refusedRoute = MetricsTable.refusedRoute
    private let answers = MetricPlaces.Answer.allCases.count

    /// Those who count by themselves; asked when the numbers are.
    var sources: MetricSources?

    init() {
        let layout = MetricsLayout.shared
        slots = MetricSlots(count: layout.count)
        offsets = layout.offsets
        set(.buildInfo, to: 1)
        set(.startTime, to: WallClock.microseconds)
    }

    func add(_ metric: Metric, at place: Int = 0, _ count: UInt64 = 1) {
        slots[offsets[metric.rawValue] + place] &+= count
    }

    func set(_ metric: Metric, at place: Int = 0, to value: some BinaryInteger) {
        slots[offsets[metric.rawValue] + place] = UInt64(clamping: value)
    }

    func set(_ metric: Metric, at place: some MetricPlace, to value: some BinaryInteger) {
        set(metric, at: place.rawValue, to: value)
    }

    /// Adds to a histogram. `place` is that of its series.
    func observe(_ metric: Metric, at place: Int = 0, microseconds: Int) {
        let time = UInt64(clamping: microseconds)
        let first = offsets[metric.rawValue] + place * (buckets + 1)
        slots[first + MetricRow.bucket(of: time)] &+= 1
        slots[first + buckets] &+= time
    }

    /// Counts one request at its end.
    func note(_ exchange: Exchange, _ context: RequestContext, whole: Bool, microseconds: Int) {
        let route = exchange.refusal == nil ? context.route?.rawValue ?? noRoute : refusedRoute
        add(.requests, at: route * answers + MetricPlaces.Answer(exchange.status?.code).rawValue)
        observe(.requestSeconds, at: route, microseconds: microseconds)
        if !whole {
            add(.requestsCut)
        }
        if context.isShared {
            add(.requestsShared)
        }
        if exchange.brokenRule > 0 {
            add(.refusals, at: exchange.brokenRule - 1)
        }
    }

    /// Counts one call to the Hub at its end.
    func note(_ transfer: Transfer) {
        if let first = transfer.firstByteMicroseconds {
            observe(.upstreamFirstByteSeconds, microseconds: first)
        }
        observe(.upstreamSeconds, microseconds: Moment.now.microseconds(since: transfer.started))
    }

    /// Everything in Prometheus' text format.
    func page() -> [UInt8] {
        sources?.report(to: self)
        return MetricsPage.bytes { slots[$0] }
    }
}
