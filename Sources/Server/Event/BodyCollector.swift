internal import Hub

/// Collects a body up to a limit for someone who waits for the whole.
@EventLoop
final class BodyCollector: BodySink {
    /// Bytes that count against `budget`, until whoever made this gives them back.
    private(set) var heldBytes = 0
    private let limit: Int
    private let budget: BufferedBytes
    private var bytes: [UInt8] = []
    private var result: Result<[UInt8], Failure>?
    private var waiter: CheckedContinuation<Result<[UInt8], Failure>, Never>?

    /// `limit` is in bytes, and this body's own; `budget` is everybody's.
    init(limit: Int, budget: BufferedBytes) {
        self.limit = limit
        self.budget = budget
    }

    /// Returns when the last byte is there.
    func collected() async throws(Failure) -> [UInt8] {
        let outcome =
            if let result { result } else {
                await withCheckedContinuation { waiter in
                    // Looked at again: see `Transfer.head()`.
                    if let result { waiter.resume(returning: result) } else { self.waiter = waiter }
                }
            }
        return try outcome.get()
    }

    func take(_ new: UnsafeBufferPointer<UInt8>) -> Bool {
        guard result == nil else { return false }
        do throws(Failure) {
            guard bytes.count + new.count <= limit else { throw .payloadTooLarge(limit: limit) }
            try budget.take(new.count)
            heldBytes += new.count
            unsafe bytes.append(contentsOf: new)
            return true
        } catch {
            finish(.failure(error))
            return false
        }
    }

    func end(_ failure: Failure?) {
        finish(failure.map { .failure($0) } ?? .success(bytes))
    }

    private func finish(_ outcome: Result<[UInt8], Failure>) {
        guard result == nil else { return }
        result = outcome
        bytes = []
        waiter?.resume(returning: outcome)
        waiter = nil
    }
}
