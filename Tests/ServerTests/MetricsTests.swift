@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Metrics")
struct MetricsTests {
    @Test("Every metric has one row, and every series a place of its own")
    func layout() {
        #expect(MetricsTable.all.map(\.metric.rawValue).sorted() == Array(0..<Metric.allCases.count))
        let layout = MetricsLayout(MetricsTable.all)
        var taken = Set<Int>()
        for row in MetricsTable.all {
            let first = layout.offsets[row.metric.rawValue]
            for slot in first..<first + row.series * row.width {
                #expect(taken.insert(slot).inserted)
            }
            #expect(Set((0..<row.series).map(row.values)).count == row.series)
        }
        #expect(taken == Set(0..<layout.count))
        #expect(layout.count < 1000, "the page and the counters stay small")
    }

    @Test("Names and units follow Prometheus' conventions", arguments: MetricsTable.all)
    func names(row: MetricRow) {
        #expect(row.name.wholeMatch(of: /(hubgate|process)_[a-z_]+/) != nil)
        #expect(row.name.hasSuffix("_total") == (row.kind == .counter))
        #expect(row.unit == .one || row.name.contains("seconds"))
        #expect(row.kind != .histogram || row.unit == .microseconds)
        #expect(row.help.hasSuffix(".") && !row.help.contains("\n") && !row.help.contains("\\"))
        for label in row.labels {
            #expect(label.name.wholeMatch(of: /[a-z_]+/) != nil && label.name != "le")
            #expect(!label.values.isEmpty && Set(label.values).count == label.values.count)
            #expect(label.values.allSatisfy { $0.wholeMatch(of: /[A-Za-z0-9._-]+/) != nil })
        }
    }

    @Test("Routes are those of the table, one of no endpoint, and one of what the gate refuses")
    func routes() throws {
        let row = try #require(MetricsTable.all.first { $0.metric == .requestSeconds })
        #expect(row.labels[0].values.count == Route.Name.allCases.count + 2)
        #expect(row.labels[0].values[Route.Name.createRepo.rawValue] == "create_repo")
        #expect(row.labels[0].values[MetricsTable.noRoute] == "none")
        #expect(row.labels[0].values[MetricsTable.refusedRoute] == "refused")
        #expect(Route.Name.allCases.map(\.rawValue) == Array(0..<Route.Name.allCases.count))
    }

    /// The page of these slots.
    private static func page(_ slots: [UInt64]) throws -> PrometheusPage {
        try PrometheusPage(MetricsPage.bytes { slots[$0] })
    }

    private static let nothing = [UInt64](repeating: 0, count: MetricsLayout.shared.count)

    @Test("The page has every series from the start, in the format's own order")
    func wholePage() throws {
        let page = try Self.page(Self.nothing)
        #expect(page.families.map(\.name) == MetricsTable.all.map(\.name))
        for (family, row) in zip(page.families, MetricsTable.all) {
            #expect(family.type == row.kind.rawValue && family.help == row.help)
            let lines = row.kind == .histogram ? MetricRow.bounds.count + 3 : 1
            #expect(family.samples.count == row.series * lines)
        }
        #expect(page["hubgate_requests_total", ["route": "relay", "status": "5xx"]] == 0)
        #expect(page["hubgate_refused_requests_total", ["rule": "two-content-lengths"]] == 0)
    }

    @Test("What is counted at a place is printed at its labels")
    func places() throws {
        let page = try Self.page(Array(1...UInt64(MetricsLayout.shared.count)))
        for row in MetricsTable.all where row.kind != .histogram && row.unit == .one {
            for place in 0..<row.series {
                let labels = zip(row.labels.map(\.name), row.values(at: place))
                let slot = MetricsLayout.shared.offsets[row.metric.rawValue] + place
                #expect(page[row.name, Dictionary(uniqueKeysWithValues: labels)] == Double(slot + 1))
            }
        }
    }

    @Test("A bucket holds what is at its bound and below")
    func histogram() throws {
        var slots = Self.nothing
        let first = MetricsLayout.shared.offsets[Metric.upstreamSeconds.rawValue]
        for time in [0, 250, 251, 1000, 2_000_000, 400_000_000] as [UInt64] {
            slots[first + MetricRow.bucket(of: time)] += 1
            slots[first + MetricRow.bounds.count + 1] += time
        }
        let page = try Self.page(slots)
        let name = "hubgate_upstream_duration_seconds"
        let counts = ["0.00025": 2.0, "0.001": 4, "1": 4, "2.5": 5, "300": 5, "+Inf": 6]
        for (bound, count) in counts { #expect(page[name + "_bucket", ["le": bound]] == count) }
        #expect(page[name + "_count"] == 6)
        #expect(page[name + "_sum"] == 402.001501)
        #expect(page["hubgate_upstream_first_byte_seconds_count"] == 0)
    }

    @Test(
        "Microseconds are written as seconds",
        arguments: [(0, "0"), (1, "0.000001"), (1500, "0.0015"), (1_000_000, "1"), (60_500_000, "60.5")])
    func seconds(time: UInt64, text: String) {
        #expect(time.asSeconds == text)
    }

    @Test(
        "A status counts as its class, one that does not exist as 5xx, none as none",
        arguments: [
            (200, "2xx"), (304, "3xx"), (404, "4xx"), (499, "4xx"), (500, "5xx"), (799, "5xx"), (nil, "none"),
        ] as [(Int?, String)])
    func answers(status: Int?, label: String) {
        #expect(MetricLabels.Answer(status).label == label)
    }

    @Test("The document names no metric that is not there")
    func document() {
        let known = Set(MetricsTable.all.flatMap { row in ["", "_bucket", "_sum", "_count"].map { row.name + $0 } })
        for match in MetricsDocument.text.matches(of: /(hubgate|process)_[a-z_]+/) {
            #expect(known.contains(String(match.0)), "\(match.0)")
        }
    }

    @Test("What the process says of itself is about right")
    func process() {
        #expect((1 << 20...1 << 36).contains(ProcessFacts.residentBytes))
        #expect(ProcessFacts.openDescriptors >= 3 && ProcessFacts.openDescriptors <= ProcessFacts.maxDescriptors)
        #expect(ProcessFacts.cpuMicroseconds > 0)
    }
}
