import EventIO

/// How often something may fail for one client in a time. A client is an IPv4 address, or the first 64 bits of an IPv6 address, whose host chooses the
/// others itself (RFC 4291 section 2.5.1). Each worker counts by itself.
@EventLoop
final class FailureLimit {
    private struct Count {
        var began: MonotonicInstant
        var failures = 0
    }

    /// A stranger may have many addresses.
    private static let mostClients = 4096

    private let most: Int
    private let milliseconds: UInt64
    private var counts: [Substring: Count] = [:]

    init(most: Int, milliseconds: UInt64) {
        self.most = most
        self.milliseconds = milliseconds
    }

    /// Seconds to wait; nil: no wait.
    func wait(_ address: String) -> Int? {
        guard let count = counts[IPAddress.network(of: address)], count.failures >= most else { return nil }
        let passed = MonotonicInstant.now.milliseconds(since: count.began)
        guard passed < milliseconds else { return nil }
        return Int((milliseconds - passed) / 1000) + 1
    }

    func note(_ address: String) {
        let now = MonotonicInstant.now
        let client = IPAddress.network(of: address)
        if var count = counts[client], now.milliseconds(since: count.began) < milliseconds {
            count.failures += 1
            counts[client] = count
            return
        }
        if counts.count >= Self.mostClients {
            counts = counts.filter { now.milliseconds(since: $0.value.began) < milliseconds }
            // So many at once are no accident. Their counts begin again.
            if counts.count >= Self.mostClients { counts = [:] }
        }
        counts[client] = Count(began: now, failures: 1)
    }
}
