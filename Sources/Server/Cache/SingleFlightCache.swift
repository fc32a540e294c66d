import EventIO
import Hub

/// Holds responses for a while, and makes one call for all requests while none is held: for calls that the Hub rate-limits strictly.
@EventLoop
final class SingleFlightCache<Key: Hashable & Sendable, Value: Sendable> {
    @EventLoop
    private final class Waiter {
        var continuation: CheckedContinuation<Result<Value, Failure>, Never>?

        func resume(_ result: Result<Value, Failure>) {
            continuation?.resume(returning: result)
            continuation = nil
        }
    }

    private enum Entry {
        case waiting([Waiter])
        case held(Result<Value, Failure>, since: MonotonicInstant, microseconds: Int)
    }

    /// So that callers who change their key each time cannot fill the memory.
    private static var most: Int { 1000 }
    /// Failures are held too, shortly: a wrong token must not become a stream of wrong calls.
    private static var failureMicroseconds: Int { 2_000_000 }
    private static var longestRetryAfter: Int { 60 }

    /// For values that come from now on, in microseconds.
    private var microseconds: Int
    private var entries: [Key: Entry] = [:]

    init(for duration: Duration) {
        microseconds = Int(duration / .microseconds(1))
    }

    /// Values that are held already keep the time that was set when they came.
    func use(_ duration: Duration) {
        microseconds = Int(duration / .microseconds(1))
    }

    /// The value, or the failure, held for `key`; nil if none is.
    func cached(_ key: Key) throws(Failure) -> Value? {
        guard case .held(let result, let since, let microseconds) = entries[key],
            MonotonicInstant.now.microseconds(since: since) < microseconds
        else { return nil }
        return try result.get()
    }

    /// The value held for `key`, or else the result of one call to `make` for all callers that wait.
    /// The call goes on when one of them leaves: the others, and later ones, still want it. Throws `clientGone` to a task that is
    /// cancelled.
    func value(
        _ key: Key, _ make: @escaping @EventLoop () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        if let value = try cached(key) { return value }
        let waiter = Waiter()
        let result: Result<Value, Failure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A task that was cancelled before gets no call of the handler.
                guard !Task.isCancelled else { return continuation.resume(returning: .failure(.clientGone)) }
                waiter.continuation = continuation
                join(waiter, key, make)
            }
        } onCancel: {
            EventLoop.assumeIsolated { waiter.resume(.failure(.clientGone)) }
        }
        return try result.get()
    }

    private func join(_ waiter: Waiter, _ key: Key, _ make: @escaping @EventLoop () async throws(Failure) -> Value) {
        guard case .waiting(let others) = entries[key] else {
            makeRoom()
            entries[key] = .waiting([waiter])
            return ask(key, make)
        }
        entries[key] = .waiting(others.filter { $0.continuation != nil } + [waiter])
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
        for waiter in waiters { waiter.resume(result) }
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
