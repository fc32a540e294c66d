import EventIO

/// How often keys were used since the last record of this kind.
struct KeyUses: Equatable, Sendable {
    /// By the keys' numbers.
    var uses: [(number: Int64, use: KeyUse)] = []

    /// The most that a worker that was taken over may report: sums of it cannot overflow.
    private static let largest: Int64 = 1 << 40
    /// The most in one record.
    static let most = StateRecord.longest / 24

    static func == (left: KeyUses, right: KeyUses) -> Bool {
        left.uses.elementsEqual(right.uses) { $0 == $1 }
    }

    var record: StateRecord {
        var writer = ByteWriter()
        for (number, use) in uses {
            writer.put(number)
            writer.put(use.lastUsed)
            writer.put(use.uses)
        }
        return StateRecord(kind: .keyUses, payload: writer.bytes)
    }

    init(_ uses: [(number: Int64, use: KeyUse)]) {
        self.uses = uses
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        while !reader.isAtEnd {
            guard let number = reader.number(Int64.self), let lastUsed = reader.number(Int64.self),
                let count = reader.number(Int64.self),
                (0...Self.largest).contains(count), (0...Self.largest).contains(lastUsed)
            else { return nil }
            uses.append((number, KeyUse(lastUsed: lastUsed, uses: count)))
        }
    }
}
