/// The limits that a key may have, besides its rate.
enum KeyLimit: UInt8, CaseIterable, Sendable {
    /// Requests under way at once.
    case concurrent
    /// Bytes of content in a day, of requests and responses together.
    case bytesADay
    /// Tokens of models in a day, of prompts and answers together.
    case tokensADay
    /// Requests of models in a day.
    case inferenceADay

    /// Limits for a day, which begins at midnight in UTC.
    static let daily: [KeyLimit] = [.bytesADay, .tokensADay, .inferenceADay]

    /// The name of its flag: `bytes-a-day`. With `_` it is the name in a role of the settings.
    var name: String {
        switch self {
        case .concurrent: "concurrent"
        case .bytesADay: "bytes-a-day"
        case .tokensADay: "tokens-a-day"
        case .inferenceADay: "inference-a-day"
        }
    }

    /// What a key with a limit of 0 may not do.
    var act: String {
        switch self {
        case .concurrent: "make requests"
        case .bytesADay: "fetch or send content"
        case .tokensADay, .inferenceADay: "ask models"
        }
    }

    var settingName: String { name.replacing("-", with: "_") }

    /// From the largest to the smallest, the order in which they are tried when an amount is written.
    private var units: [(name: String, size: Int64)] {
        switch self {
        case .concurrent, .inferenceADay: [("", 1)]
        case .tokensADay: [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000), ("", 1)]
        case .bytesADay:
            [
                ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("TiB", 1 << 40),
                ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
            ]
        }
    }

    /// What is accepted, for a sentence.
    var accepted: String {
        switch self {
        case .concurrent, .inferenceADay: "a whole number such as 20"
        case .tokensADay: "a whole number, or one with k, M or G, such as 1M"
        case .bytesADay: "a whole number with its unit (B, KB, MB, GB, TB or KiB, MiB, GiB, TiB), such as 50GB"
        }
    }

    /// The highest limit: sums of a day stay far below the end of the 46 bits that they are counted in.
    static let most: Int64 = 1 << 44

    /// Nil for a text that is no amount from 0 to the highest.
    func amount(_ text: String) -> Int64? {
        if text == "0" { return 0 }
        guard let quantity = Quantity(text), let unit = units.first(where: { $0.name == quantity.unit }),
            let amount = quantity.counted(in: Int(unit.size)), (0...Self.most).contains(Int64(amount))
        else { return nil }
        return Int64(amount)
    }

    /// In the form that `amount` reads.
    func text(_ amount: Int64) -> String {
        let unit = units.first { amount >= $0.size && amount.isMultiple(of: $0.size) } ?? units[units.count - 1]
        return "\(amount / unit.size)\(unit.name)"
    }
}

/// The limits of a key or a role. Nil is none.
struct KeyLimits: Hashable, Sendable {
    private var amounts: [Int64?] = Array(repeating: nil, count: KeyLimit.allCases.count)

    subscript(_ limit: KeyLimit) -> Int64? {
        get { amounts[Int(limit.rawValue)] }
        set { amounts[Int(limit.rawValue)] = newValue }
    }

    var isEmpty: Bool { amounts.allSatisfy { $0 == nil } }

    init() {}

    /// From a line such as `concurrent=20 bytes-a-day=50GB`, the form of the database. Nil for a line that cannot be read.
    init?(_ line: String) {
        for part in line.split(separator: " ") {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, let limit = KeyLimit.allCases.first(where: { $0.name == words[0] }),
                self[limit] == nil, let amount = limit.amount(String(words[1]))
            else { return nil }
            self[limit] = amount
        }
    }

    /// These limits, and those of `others` where these have none.
    func over(_ others: KeyLimits) -> KeyLimits {
        var limits = self
        for limit in KeyLimit.allCases where limits[limit] == nil { limits[limit] = others[limit] }
        return limits
    }
}

extension KeyLimits: CustomStringConvertible {
    /// In the form that `init` reads.
    var description: String {
        KeyLimit.allCases.compactMap { limit in self[limit].map { "\(limit.name)=\(limit.text($0))" } }
            .joined(separator: " ")
    }
}
