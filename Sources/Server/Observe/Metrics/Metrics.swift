import EventIO
import HTTP

/// Counts what happens. Counting adds to a slot of an array: no text, no look-up, no allocation.
@EventLoop
final class Metrics {
    private let slots: MetricSlots
    /// Where this process's numbers of each metric begin.
    private let offsets: [Int]
    /// The values of `set` counters when this process began: those that the worker before it had reached.
    private let begun: [UInt64]
    /// It counts for a gateway of one process.
    let isWhole: Bool
    /// One process reports what is the same in all of them.
    let speaksForAll: Bool
    private let first: Int
    private let buckets = MetricRow.bounds.count + 1
    private let noRoute = MetricsTable.noRoute
    private let refusedRoute = MetricsTable.refusedRoute
    private let answers = MetricLabels.Answer.allCases.count

    /// Parts that keep their own numbers; asked when the metrics are.
    var sources: MetricSources?

    /// Counts in the region of that worker, or of the only process.
    init(_ slots: MetricSlots = MetricSlots(), worker: Int = 0) {
        let layout = MetricsLayout.shared
        let first = worker * layout.count
        self.slots = slots
        offsets = layout.offsets.map { first + $0 }
        var begun = [UInt64](repeating: 0, count: layout.count)
        for row in MetricsTable.all where row.kind == .counter {
            let start = layout.offsets[row.metric.rawValue]
            for slot in start..<start + row.series { begun[slot] = slots[first + slot] }
        }
        self.begun = begun
        isWhole = worker == 0
        speaksForAll = worker < 2
        self.first = first
        if isWhole {
            slots.describe()
            slots[.workers] = 1
        }
    }

    func add(_ metric: Metric, at place: Int = 0, _ count: UInt64 = 1) {
        slots[offsets[metric.rawValue] + place] &+= count
    }

    /// A gauge of the gateway as a whole, which another process keeps.
    func ofGateway(_ metric: Metric) -> UInt64 { slots[metric] }

    /// Sets a gauge, or a counter that is kept elsewhere and begins at 0 in this process.
    func set(_ metric: Metric, at place: Int = 0, to value: some BinaryInteger) {
        let slot = offsets[metric.rawValue] + place
        slots[slot] = begun[slot - first] &+ UInt64(clamping: value)
    }

    func set(_ metric: Metric, at place: some MetricLabelValue, to value: some BinaryInteger) {
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
        add(.requests, at: route * answers + MetricLabels.Answer(exchange.status?.code).rawValue)
        observe(.requestSeconds, at: route, microseconds: microseconds)
        if !whole {
            add(.requestsCut)
        }
        if context.isShared {
            add(.requestsShared)
        }
        if let status = context.cacheStatus {
            let result = MetricLabels.CacheResult(status)
            add(.cacheRequests, at: result.rawValue)
            if result.sparesCall { add(.cacheSavedCalls) }
        }
        if context.budgetMicroseconds > 0 {
            observe(.budgetSeconds, microseconds: context.budgetMicroseconds)
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
        observe(.upstreamSeconds, microseconds: MonotonicInstant.now.microseconds(since: transfer.started))
    }

    /// A number of all workers together: of a series, and in a histogram of one of its buckets or, after those, of its sum.
    func total(_ metric: Metric, at place: Int = 0, slot: Int = 0) -> UInt64 {
        let width =
            metric == .requestSeconds || metric == .upstreamSeconds || metric == .upstreamFirstByteSeconds
            ? buckets + 1 : 1
        return slots.sum(at: MetricsLayout.shared.offsets[metric.rawValue] + place * width + slot)
    }

    /// The most workers that there may be; 0: there is one process.
    var workers: Int { slots.workers }

    /// A number of one worker, counted from 1; 0: of the only process, or of the gateway as a whole.
    func number(_ metric: Metric, at place: Int = 0, ofWorker worker: Int) -> UInt64 {
        slots[worker * MetricsLayout.shared.count + MetricsLayout.shared.offsets[metric.rawValue] + place]
    }

    /// Asks the parts that keep their own numbers, so that other workers see them too.
    func refresh() {
        sources?.report(to: self)
    }

    /// Everything in Prometheus' text format, of all workers together.
    func page() -> [UInt8] {
        refresh()
        return MetricsPage.bytes { slots.sum(at: $0) }
    }
}
