import EventIO

/// How often something may go wrong for one address in a time. Each worker counts by itself.
@EventLoop
final class FailureLimit {
    private struct Count {
        var began: MonotonicInstant
        var failures = 0
    }

    /// Of addresses: a stranger may have many.
    private static let mostAddresses = 4096

    private let most: Int
    private let milliseconds: UInt64
    private var counts: [String: Count] = [:]

    init(most: Int, milliseconds: UInt64) {
        self.most = most
        self.milliseconds = milliseconds
    }

    /// Seconds to wait; nil: go on.
    func wait(_ address: String) -> Int? {
        guard let count = counts[address], count.failures >= most else { return nil }
        let passed = MonotonicInstant.now.milliseconds(since: count.began)
        guard passed < milliseconds else { return nil }
        return Int((milliseconds - passed) / 1000) + 1
    }

    func note(_ address: String) {
        let now = MonotonicInstant.now
        if var count = counts[address], now.milliseconds(since: count.began) < milliseconds {
            count.failures += 1
            counts[address] = count
            return
        }
        if counts.count >= Self.mostAddresses {
            counts = counts.filter { now.milliseconds(since: $0.value.began) < milliseconds }
            // So many at once are no accident; who comes back is counted anew.
            if counts.count >= Self.mostAddresses { counts = [:] }
        }
        counts[address] = Count(began: now, failures: 1)
    }
}
