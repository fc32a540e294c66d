import EventIO

extension ValueCodec where Value == Duration {
    private static var units: [(name: String, milliseconds: Int)] {
        [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    }

    private static let day = (name: "d", milliseconds: 86_400_000)

    /// For times in days; zero is accepted too, written `off` or `0`.
    static func days(_ range: ClosedRange<Duration>) -> ValueCodec {
        duration(range, orOff: true, [day] + units.dropLast(), "s, m, h or d")
    }

    /// `orOff`: zero is accepted too, written `off` or `0`.
    static func duration(_ range: ClosedRange<Duration>, orOff: Bool = false) -> ValueCodec {
        duration(range, orOff: orOff, units, "ms, s, m or h")
    }

    private static func duration(
        _ range: ClosedRange<Duration>, orOff: Bool, _ units: [(name: String, milliseconds: Int)], _ names: String
    ) -> ValueCodec {
        let limits = "from \(written(range.lowerBound, units)) to \(written(range.upperBound, units))"
        return ValueCodec(
            name: "TIME",
            accepted: "a whole number with its unit (\(names)), \(limits)" + (orOff ? ", or off" : ""),
            read: { (text) throws(ValueError) in
                if orOff, text == "off" || text == "0" { return .zero }
                guard let quantity = Quantity(text) else { throw .unknown }
                guard !quantity.unit.isEmpty else { throw ValueError("has no unit") }
                guard let unit = units.first(where: { $0.name == quantity.unit }) else {
                    throw ValueError("has an unknown unit")
                }
                guard let count = quantity.counted(in: unit.milliseconds), range.contains(.milliseconds(count)) else {
                    throw ValueError("is out of range")
                }
                return .milliseconds(count)
            },
            text: { $0 == .zero && orOff ? "off" : written($0, units) }
        )
    }

    private static func written(_ duration: Duration, _ units: [(name: String, milliseconds: Int)]) -> String {
        let parts = duration.components
        let milliseconds = Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
        for unit in units where milliseconds >= unit.milliseconds && milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}

extension ValueCodec where Value == ByteCount {
    /// `orOff`: zero is accepted too, written `off` or `0`.
    static func bytes(_ range: ClosedRange<ByteCount>, orOff: Bool = false) -> ValueCodec {
        ValueCodec(
            name: "BYTES",
            accepted: "a whole number with its unit (B, KiB, MiB or GiB), "
                + "from \(range.lowerBound) to \(range.upperBound)" + (orOff ? ", or off" : ""),
            read: { (text) throws(ValueError) in
                if orOff, text == "off" || text == "0" { return .bytes(0) }
                guard let quantity = Quantity(text) else { throw .unknown }
                guard !quantity.unit.isEmpty else { throw ValueError("has no unit") }
                guard let unit = ByteCount.units.first(where: { $0.name == quantity.unit }) else {
                    throw ValueError("has an unknown unit")
                }
                guard let count = quantity.counted(in: unit.bytes), range.contains(.bytes(count)) else {
                    throw ValueError("is out of range")
                }
                return .bytes(count)
            },
            text: { $0.bytes == 0 && orOff ? "off" : $0.description }
        )
    }
}

extension ValueCodec where Value == Int {
    /// `orOff`: zero is accepted too, written `off` or `0`.
    static func count(_ range: ClosedRange<Int>, orOff: Bool = false) -> ValueCodec {
        ValueCodec(
            name: "NUMBER",
            accepted: "a whole number from \(range.lowerBound) to \(range.upperBound)" + (orOff ? ", or off" : ""),
            read: { (text) throws(ValueError) in
                if orOff, text == "off" || text == "0" { return 0 }
                guard let quantity = Quantity(text), quantity.unit.isEmpty else { throw .unknown }
                guard range.contains(quantity.number) else { throw ValueError("is out of range") }
                return quantity.number
            },
            text: { $0 == 0 && orOff ? "off" : String($0) }
        )
    }
}

/// A number and its unit: `10s`, `64KiB`.
struct Quantity: Equatable {
    let number: Int
    let unit: Substring

    /// Nil when the text does not begin with digits, or the number is too large.
    init?(_ text: String) {
        let end = text.firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
        guard let number = Int(text[..<end]) else { return nil }
        self.number = number
        unit = text[end...]
    }

    /// The number in the smallest unit; nil when that is too large to count.
    func counted(in size: Int) -> Int? {
        let (product, overflow) = number.multipliedReportingOverflow(by: size)
        return overflow ? nil : product
    }
}

/// A number of bytes in a setting: `64KiB`, not 65536.
struct ByteCount: Equatable, Comparable, Sendable {
    let bytes: Int

    /// From the largest to the smallest, the order in which they are tried when a count is written.
    static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    static func bytes(_ count: Int) -> ByteCount { ByteCount(bytes: count) }
    static func kibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 10) }
    static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 20) }

    static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

extension ByteCount: CustomStringConvertible {
    var description: String {
        for unit in Self.units where bytes >= unit.bytes && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}

/// How many processes serve.
enum WorkerCount: Equatable, Sendable {
    case fixed(Int)
    /// As many as there are processors to use.
    case auto

    /// More than any machine needs.
    static let most = 256

    func resolved(processors: Int) -> Int {
        switch self {
        case .fixed(let number): number
        case .auto: max(1, min(processors, Self.most))
        }
    }
}

extension ValueCodec where Value == WorkerCount {
    static var workerCount: ValueCodec {
        let number = ValueCodec<Int>.count(1...WorkerCount.most)
        return ValueCodec(
            name: "NUMBER|auto",
            accepted: "\(number.accepted), or auto",
            read: { (text) throws(ValueError) in text == "auto" ? .auto : .fixed(try number.read(text)) },
            text: { count in
                switch count {
                case .fixed(let value): number.text(value)
                case .auto: "auto"
                }
            }
        )
    }
}

extension Duration {
    /// Whole milliseconds, for the C module; 0 for "off".
    var milliseconds: UInt32 {
        UInt32(clamping: Int64(self / .milliseconds(1)))
    }
}
