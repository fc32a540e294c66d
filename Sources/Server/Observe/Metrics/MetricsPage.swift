/// Writes metrics in Prometheus' text format, version 0.0.4.
struct MetricsPage {
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes: [UInt8] = []

    /// `values` are the row's slots.
    mutating func add(_ row: MetricRow, _ values: [UInt64]) {
        bytes += "# HELP \(row.name) \(row.help)\n# TYPE \(row.name) \(row.kind.rawValue)\n".utf8
        for place in 0..<row.series {
            let labels = zip(row.labels, row.values(at: place)).map { "\($0.name)=\"\($1.escaped)\"" }
                .joined(separator: ",")
            if row.kind == .histogram {
                addHistogram(row, labels, values[place * row.width..<(place + 1) * row.width])
            } else {
                line(row.name, labels, row.unit == .microseconds ? values[place].asSeconds : "\(values[place])")
            }
        }
    }

    /// Slots count each bucket alone; the format wants each to hold those below it.
    private mutating func addHistogram(_ row: MetricRow, _ labels: String, _ values: ArraySlice<UInt64>) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var count: UInt64 = 0
        for (bound, value) in zip(Self.bounds, values) {
            count += value
            line(row.name + "_bucket", "\(prefix)le=\"\(bound)\"", "\(count)")
        }
        line(row.name + "_sum", labels, values[values.endIndex - 1].asSeconds)
        line(row.name + "_count", labels, "\(count)")
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        bytes += labels.isEmpty ? "\(name) \(value)\n".utf8 : "\(name){\(labels)} \(value)\n".utf8
    }

    private static let bounds = MetricRow.bounds.map(\.asSeconds) + ["+Inf"]
}

extension UInt64 {
    /// Microseconds as seconds: 1500 is `0.0015`, 2000000 is `2`.
    var asSeconds: String {
        let (seconds, rest) = quotientAndRemainder(dividingBy: 1_000_000)
        guard rest > 0 else { return "\(seconds)" }
        var digits = String(rest + 1_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(seconds).\(digits)"
    }
}

extension String {
    /// As a label's value.
    fileprivate var escaped: String {
        replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
