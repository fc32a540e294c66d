import HTTP

/// What is measured, by name in the code; `MetricsTable` has the rest. The order matters inside this process only.
enum Metric: Int, CaseIterable, Sendable {
    case requests, requestsCut, requestsShared, requestsInFlight, requestSeconds, refusals, bufferedBodyBytes
    case connections, connectionsOpen, connectionsRefused, proxyHeaders, acceptPauses, receivedBytes, sentBytes
    case handshakes, certificateExpiry
    case upstreamCalls, upstreamCallsInFlight, upstreamPlaces, upstreamCallsQueued, upstreamCallsRefused
    case upstreamUses, upstreamReceivedBytes, upstreamSentBytes
    case upstreamFirstByteSeconds, upstreamSeconds, leaks
    case budgetLeft, budgetQuota, budgetWaiting, budgetWaits, budgetSeconds, hubRefusals, budgetAvoided
    case cacheRequests, cacheSavedCalls, cacheBytes, cacheResponses, cacheStored, cacheEvictions, cacheTaken,
        cacheAwaited
    case fileCacheRequests, fileCacheSentBytes, fileCacheFills, fileCacheFilledBytes, fileCacheVerified,
        fileCacheCorrupt
    case peerRequests, peerReceivedBytes, peerCalls
    case fileCacheEvictions, fileCacheBytes, fileCacheFiles, fileCacheUp
    case keyRefusals, keyRateRefusals, keyLimitRefusals, keys, keysInShadow, shadowDecisions, stateUp, stateRestarts
    case auditUp, auditRecords
    case trashedRepos, trashFailures
    case buildInfo, workers, workerRestarts, droppedLogLines
    case traceSpans
    case startTime, cpuSeconds, residentBytes, openDescriptors, maxDescriptors
}

/// A label and all values that it can have: a client's text is never one.
struct MetricLabel: Sendable {
    let name: String
    let values: [String]
    /// For the documentation, in place of values that differ from machine to machine.
    let meaning: String?

    init(_ name: String, _ values: [String], meaning: String? = nil) {
        self.name = name
        self.values = values
        self.meaning = meaning
    }

    init<Place: MetricLabelValue>(_ name: String, _ places: Place.Type) {
        self.init(name, Place.allCases.map(\.label))
    }
}

/// One row of the table: a metric with all its series. Each series has a fixed place in an array of numbers.
struct MetricRow: Sendable {
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// What a slot counts. Numbers are whole in memory; seconds are kept as microseconds.
    enum Unit: Sendable {
        case one, microseconds
    }

    let metric: Metric
    let name: String
    let kind: Kind
    let unit: Unit
    let labels: [MetricLabel]
    /// One sentence.
    let help: String

    init(
        _ metric: Metric, _ name: String, _ kind: Kind, _ help: String, unit: Unit = .one, by labels: [MetricLabel] = []
    ) {
        self.metric = metric
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }

    /// How many series it has.
    var series: Int { labels.reduce(1) { $0 * $1.values.count } }

    /// Slots of one series. A histogram has one for each bound, one for what is above them, and the sum.
    var width: Int { kind == .histogram ? Self.bounds.count + 2 : 1 }

    /// The label values of a series; the last label varies fastest.
    func values(at place: Int) -> [String] {
        var rest = place
        var values: [String] = []
        for label in labels.reversed() {
            values.append(label.values[rest % label.values.count])
            rest /= label.values.count
        }
        return values.reversed()
    }

    /// The upper bounds of every histogram's buckets, in microseconds: from a response of our own to a large file.
    static let bounds: [UInt64] = [
        250, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000, 30_000_000, 60_000_000, 300_000_000,
    ]

    /// The bucket that `time` falls into; most are among the first.
    static func bucket(of time: UInt64) -> Int {
        var bucket = 0
        while bucket < bounds.count, bounds[bucket] < time { bucket += 1 }
        return bucket
    }
}

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
