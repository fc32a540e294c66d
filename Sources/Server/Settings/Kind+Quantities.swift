extension Kind where Value == Duration {
    private static var units: [(name: String, milliseconds: Int)] {
        [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    }

    /// `orOff`: zero is accepted too, written `off` or `0`.
    static func duration(_ range: ClosedRange<Duration>, orOff: Bool = false) -> Kind {
        let limits = "from \(written(range.lowerBound)) to \(written(range.upperBound))"
        return Kind(
            name: "TIME",
            accepted: "a whole number with its unit (ms, s, m or h), \(limits)" + (orOff ? ", or off" : ""),
            read: { (text) throws(Misfit) in
                if orOff, text == "off" || text == "0" { return .zero }
                guard let quantity = Quantity(text) else { throw .unknown }
                guard !quantity.unit.isEmpty else { throw Misfit("has no unit") }
                guard let unit = units.first(where: { $0.name == quantity.unit }) else {
                    throw Misfit("has an unknown unit")
                }
                guard let count = quantity.counted(in: unit.milliseconds), range.contains(.milliseconds(count)) else {
                    throw Misfit("is out of range")
                }
                return .milliseconds(count)
            },
            text: { $0 == .zero && orOff ? "off" : written($0) }
        )
    }

    private static func written(_ duration: Duration) -> String {
        let parts = duration.components
        let milliseconds = Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
        for unit in units where milliseconds >= unit.milliseconds && milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}

extension Kind where Value == ByteCount {
    static func bytes(_ range: ClosedRange<ByteCount>) -> Kind {
        Kind(
            name: "BYTES",
            accepted: "a whole number with its unit (B, KiB, MiB or GiB), "
                + "from \(range.lowerBound) to \(range.upperBound)",
            read: { (text) throws(Misfit) in
                guard let quantity = Quantity(text) else { throw .unknown }
                guard !quantity.unit.isEmpty else { throw Misfit("has no unit") }
                guard let unit = ByteCount.units.first(where: { $0.name == quantity.unit }) else {
                    throw Misfit("has an unknown unit")
                }
                guard let count = quantity.counted(in: unit.bytes), range.contains(.bytes(count)) else {
                    throw Misfit("is out of range")
                }
                return .bytes(count)
            },
            text: \.description
        )
    }
}

extension Kind where Value == Int {
    /// `orOff`: zero is accepted too, written `off` or `0`.
    static func count(_ range: ClosedRange<Int>, orOff: Bool = false) -> Kind {
        Kind(
            name: "NUMBER",
            accepted: "a whole number from \(range.lowerBound) to \(range.upperBound)" + (orOff ? ", or off" : ""),
            read: { (text) throws(Misfit) in
                if orOff, text == "off" || text == "0" { return 0 }
                guard let quantity = Quantity(text), quantity.unit.isEmpty else { throw .unknown }
                guard range.contains(quantity.number) else { throw Misfit("is out of range") }
                return quantity.number
            },
            text: { $0 == 0 && orOff ? "off" : String($0) }
        )
    }
}
