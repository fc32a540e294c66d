import EventIO
import HTTP

/// Writes metrics in Prometheus' text format, version 0.0.4.
enum MetricsPage {
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// The page of the numbers that `slot` gives.
    static func bytes(_ slot: (Int) -> UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32 * 1024)
        for line in MetricLine.all {
            var value: UInt64 = 0
            for index in line.slots { value &+= slot(index) }
            bytes += line.text
            bytes += (line.unit == .microseconds ? value.asSeconds : String(value)).utf8
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}

extension UInt64 {
    /// Microseconds as seconds: 1500 is `0.0015`, 2000000 is `2`.
    var asSeconds: String {
        let (seconds, rest) = quotientAndRemainder(dividingBy: 1_000_000)
        guard rest > 0 else { return String(seconds) }
        var digits = String(rest + 1_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(seconds).\(digits)"
    }
}

/// One line of the page: its text is made once, and its number is a sum of neighbouring slots.
struct MetricLine: Sendable {
    /// Everything before the number, with the lines that introduce a metric before its first.
    var text: [UInt8]
    let slots: ClosedRange<Int>
    let unit: MetricRow.Unit

    static let all = MetricsTable.all.flatMap(lines)

    private static func lines(of row: MetricRow) -> [MetricLine] {
        let first = MetricsLayout.shared.offsets[row.metric.rawValue]
        var lines = (0..<row.series).flatMap { place in
            let labels = zip(row.labels, row.values(at: place)).map { "\($0.name)=\"\($1.escaped)\"" }
            let start = first + place * row.width
            return row.kind == .histogram
                ? histogram(row, labels, start) : [MetricLine(row.name, labels, start...start, row.unit)]
        }
        lines[0].text.insert(
            contentsOf: "# HELP \(row.name) \(row.help)\n# TYPE \(row.name) \(row.kind.rawValue)\n".utf8, at: 0)
        return lines
    }

    /// Slots count each bucket alone; the format wants each to hold those below it.
    private static func histogram(_ row: MetricRow, _ labels: [String], _ start: Int) -> [MetricLine] {
        let sum = start + row.width - 1
        let buckets = bounds.enumerated().map { index, bound in
            MetricLine(row.name + "_bucket", labels + ["le=\"\(bound)\""], start...start + index, .one)
        }
        return buckets + [
            MetricLine(row.name + "_sum", labels, sum...sum, row.unit),
            MetricLine(row.name + "_count", labels, start...sum - 1, .one),
        ]
    }

    private init(_ name: String, _ labels: [String], _ slots: ClosedRange<Int>, _ unit: MetricRow.Unit) {
        text = Array((labels.isEmpty ? "\(name) " : "\(name){\(labels.joined(separator: ","))} ").utf8)
        self.slots = slots
        self.unit = unit
    }

    private static let bounds = MetricRow.bounds.map(\.asSeconds) + ["+Inf"]
}

extension String {
    /// As a label's value.
    fileprivate var escaped: String {
        replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
