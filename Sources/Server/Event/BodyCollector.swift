internal import Hub

/// Collects a body up to a limit for someone who waits for the whole.
@EventLoop
final class BodyCollector: BodySink {
    private let limit: Int
    private var bytes: [UInt8] = []
    private var result: Result<[UInt8], Failure>?
    private var waiter: CheckedContinuation<Result<[UInt8], Failure>, Never>?

    /// `limit` is in bytes.
    init(limit: Int) {
        self.limit = limit
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
        guard result == nil, bytes.count + new.count <= limit else {
            finish(.failure(.payloadTooLarge(limit: limit)))
            return false
        }
        unsafe bytes.append(contentsOf: new)
        return true
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
