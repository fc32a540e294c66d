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
