import EventIO
import Hub

/// What the page Now shows, as counters and gauges of all workers: the same numbers as at `/-/metrics`, by the same names without `hubgate_`.
@EventLoop
struct Figures {
    let metrics: Metrics

    /// Routes that administrators and probes use: their requests are not clients'.
    private static let own: Set<Route.Name> = [.health, .ready, .metrics, .admin, .console, .documents]

    var json: JSON {
        metrics.refresh()
        return [
            "time_ms": .integer(Int64(WallClock.microseconds / 1000)), "requests": requests,
            "requests_cut": total(.requestsCut), "requests_shared": total(.requestsShared),
            "requests_in_flight": total(.requestsInFlight), "connections": total(.connectionsOpen),
            "received_bytes": total(.receivedBytes), "sent_bytes": total(.sentBytes),
            "duration": histogram(.requestSeconds, Self.clients),
            "upstream_calls": series(.upstreamCalls, MetricLabels.Outcome.self),
            "upstream_calls_in_flight": total(.upstreamCallsInFlight),
            "upstream_calls_queued": total(.upstreamCallsQueued),
            "upstream_duration": histogram(.upstreamSeconds, [0]),
            "upstream_connection_uses": series(.upstreamUses, MetricLabels.Use.self),
            "cache_requests": series(.cacheRequests, MetricLabels.CacheResult.self), "cache_bytes": total(.cacheBytes),
            "cache_saved_calls": total(.cacheSavedCalls), "budget_waiting": total(.budgetWaiting),
            "key_refusals": sum(.keyRefusals, MetricLabels.KeyReason.allCases.count),
            "workers": total(.workers), "cpu_seconds": seconds(total: metrics.total(.cpuSeconds)),
            "resident_bytes": total(.residentBytes),
        ]
    }

    private static let clients =
        Route.Name.allCases.filter { !own.contains($0) }.map(\.rawValue) + [MetricsTable.noRoute]

    /// By route and the class of the status; routes of which nothing was asked are left out.
    private var requests: JSON {
        let answers = MetricLabels.Answer.allCases
        var routes: [String: JSON] = [:]
        let names = Route.Name.allCases.map { "\($0)".snakeCased } + ["none", "refused"]
        for (route, name) in names.enumerated() {
            var counts: [String: JSON] = [:]
            for answer in answers {
                let count = metrics.total(.requests, at: route * answers.count + answer.rawValue)
                if count > 0 { counts[answer.label] = .integer(Int64(clamping: count)) }
            }
            if !counts.isEmpty { routes[name] = .object(counts) }
        }
        return .object(routes)
    }

    /// Of those series together: the bounds of the buckets in seconds, and how many fell into each, the last being above all bounds.
    private func histogram(_ metric: Metric, _ places: [Int]) -> JSON {
        let buckets = MetricRow.bounds.count + 1
        let counts = (0..<buckets).map { slot in
            JSON.integer(Int64(clamping: places.reduce(0) { $0 &+ metrics.total(metric, at: $1, slot: slot) }))
        }
        let sum = places.reduce(0) { $0 &+ metrics.total(metric, at: $1, slot: buckets) }
        return [
            "bounds": .array(MetricRow.bounds.map { .number(Double($0) / 1_000_000) }), "counts": .array(counts),
            "sum": seconds(total: sum),
        ]
    }

    private func series<Label: MetricLabelValue>(_ metric: Metric, _ label: Label.Type) -> JSON {
        .object(
            Dictionary(
                uniqueKeysWithValues: Label.allCases.map {
                    ($0.label, .integer(Int64(clamping: metrics.total(metric, at: $0.rawValue))))
                }))
    }

    private func total(_ metric: Metric) -> JSON { .integer(Int64(clamping: metrics.total(metric))) }

    private func sum(_ metric: Metric, _ places: Int) -> JSON {
        .integer(Int64(clamping: (0..<places).reduce(0) { $0 &+ metrics.total(metric, at: $1) }))
    }

    private func seconds(total: UInt64) -> JSON { .number(Double(total) / 1_000_000) }
}
