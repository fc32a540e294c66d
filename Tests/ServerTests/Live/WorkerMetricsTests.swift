@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Metrics of several workers", .live)
struct WorkerMetricsTests {
    @EventLoop
    private static func page(_ metrics: Metrics) throws -> PrometheusPage {
        try PrometheusPage(metrics.page())
    }

    @Test("Each worker's page has the sum of all")
    @EventLoop
    func sum() throws {
        let slots = MetricSlots(workers: 2)
        slots.describe()
        slots[.workers] = 2
        let (one, two) = (Metrics(slots, worker: 1), Metrics(slots, worker: 2))
        one.add(.requestsCut)
        two.add(.requestsCut, 2)
        one.set(.connections, to: 10)
        two.set(.connections, to: 20)
        one.set(.connectionsOpen, to: 3)
        two.set(.connectionsOpen, to: 4)
        one.observe(.upstreamSeconds, microseconds: 500)
        two.observe(.upstreamSeconds, microseconds: 1_000_500)
        for metrics in [one, two] {
            let page = try Self.page(metrics)
            #expect(page["hubgate_requests_cut_total"] == 3)
            #expect(page["hubgate_connections_total"] == 30)
            #expect(page["hubgate_connections"] == 7)
            #expect(page["hubgate_upstream_duration_seconds_count"] == 2)
            #expect(page["hubgate_upstream_duration_seconds_sum"] == 1.001)
            #expect(page["hubgate_workers"] == 2)
            #expect(page.values.filter { $0.key.name == "hubgate_build_info" }.map(\.value) == [1])
            let start = try #require(page["process_start_time_seconds"])
            #expect(abs(start - Double(WallClock.microseconds) / 1e6) < 60)
        }
    }

    @Test("A worker's successor goes on counting where it ended, and has gauges of its own")
    @EventLoop
    func successor() throws {
        let slots = MetricSlots(workers: 1)
        let first = Metrics(slots, worker: 1)
        first.add(.requestsCut, 5)
        first.set(.connections, to: 10)
        first.set(.connectionsOpen, to: 3)
        slots.clearGauges(ofWorker: 1)
        var page = try Self.page(first)
        #expect(page["hubgate_connections"] == 0 && page["hubgate_connections_total"] == 10)
        let second = Metrics(slots, worker: 1)
        second.add(.requestsCut)
        second.set(.connections, to: 1)
        second.set(.connectionsOpen, to: 1)
        second.set(.connections, to: 2)
        page = try Self.page(second)
        #expect(page["hubgate_requests_cut_total"] == 6)
        #expect(page["hubgate_connections_total"] == 12)
        #expect(page["hubgate_connections"] == 1)
    }
}
