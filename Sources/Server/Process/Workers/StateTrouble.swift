import EventIO

/// Why the database cannot be used. On a disk that is nearly full the fault comes and goes, so it is logged once a minute.
struct StateTrouble {
    private static let sayAgain: UInt64 = 60_000

    /// Empty: none.
    private(set) var reason = ""
    private var lastSaid: [String: MonotonicInstant] = [:]
    private var isSaid = false

    var isThere: Bool { !reason.isEmpty }

    /// Whether it is to be logged.
    mutating func begin(_ reason: String, at now: MonotonicInstant) -> Bool {
        self.reason = reason
        lastSaid = lastSaid.filter { now.milliseconds(since: $0.value) < Self.sayAgain }
        isSaid = lastSaid[reason] == nil
        if isSaid { lastSaid[reason] = now }
        return isSaid
    }

    /// Whether its end is to be logged.
    mutating func end() -> Bool {
        reason = ""
        return isSaid
    }
}
