internal import Hub

/// Holds answers for a while, and makes one call of all that ask while none is held: for what the Hub rate-limits strictly.
@EventLoop
final class Held<Key: Hashable & Sendable, Value: Sendable> {
    private enum Entry {
        case waiting([CheckedContinuation<Result<Value, Failure>, Never>])
        case held(Result<Value, Failure>, since: Moment, microseconds: Int)
    }

    /// So that callers who change their key each time cannot fill the memory.
    private static var most: Int { 1000 }
    /// Failures are held too, shortly: a wrong token must not become a stream of wrong calls.
    private static var failureMicroseconds: Int { 2_000_000 }
    private static var longestRetryAfter: Int { 60 }

    private let microseconds: Int
    private var entries: [Key: Entry] = [:]

    init(for duration: Duration) {
        microseconds = Int(duration / .microseconds(1))
    }

    /// The value, or the failure, held for `key`; nil if none is.
    func atHand(_ key: Key) throws(Failure) -> Value? {
        guard case .held(let result, let since, let microseconds) = entries[key],
            Moment.now.microseconds(since: since) < microseconds
        else { return nil }
        return try result.get()
    }

    /// The value held for `key`, or else of one call to `make` for all who wait.
    /// The call goes on when one of them leaves: the others, and the next to come, still want it.
    func value(
        _ key: Key, _ make: @escaping @EventLoop () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        if let value = try atHand(key) { return value }
        let result = await withCheckedContinuation { continuation in
            if case .waiting(let others) = entries[key] {
                entries[key] = .waiting(others + [continuation])
            } else {
                makeRoom()
                entries[key] = .waiting([continuation])
                ask(key, make)
            }
        }
        return try result.get()
    }

    private func ask(_ key: Key, _ make: @escaping @EventLoop () async throws(Failure) -> Value) {
        EventLoop.task {
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try await make())
            } catch {
                result = .failure(error)
            }
            self.settle(key, result)
        }
    }

    private func settle(_ key: Key, _ result: Result<Value, Failure>) {
        guard case .waiting(let waiters) = entries[key] else { return }
        entries[key] = .held(result, since: .now, microseconds: holding(result))
        for waiter in waiters { waiter.resume(returning: result) }
    }

    private func holding(_ result: Result<Value, Failure>) -> Int {
        switch result {
        case .success: microseconds
        case .failure(let failure):
            max(Self.failureMicroseconds, min(failure.retryAfter ?? 0, Self.longestRetryAfter) * 1_000_000)
        }
    }

    private func makeRoom() {
        guard entries.count >= Self.most else { return }
        entries = entries.filter { entry in
            if case .waiting = entry.value { true } else { false }
        }
    }
}
