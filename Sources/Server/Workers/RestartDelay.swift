/// How long the successor of a dead worker waits: not at all after a long life, and longer and longer when each dies young, so that a
/// fault that lasts does not keep the machine busy with starting.
struct RestartDelay {
    private static let first = 100
    private static let longest = 10_000
    /// Who has lived for so long did not die of how it starts.
    private static let longLife = 10_000

    private var youngDeaths = 0

    /// In milliseconds, after a life of `lived` milliseconds.
    mutating func next(lived: Int) -> Int {
        if lived >= Self.longLife { youngDeaths = 0 }
        defer { youngDeaths += 1 }
        guard youngDeaths > 0 else { return 0 }
        return min(Self.longest, Self.first << min(youngDeaths - 1, 16))
    }
}
