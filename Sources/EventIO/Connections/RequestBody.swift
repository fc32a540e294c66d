/// Takes a body's bytes as they come.
@EventLoop
package protocol BodySink: AnyObject {
    /// Returns false if no more bytes are wanted for now. The bytes are valid during the call only.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool
    /// The body is complete, or will never be.
    func end(_ error: RequestError?)
}

/// How much of a body is collected, and for how long.
package struct BodyBounds: Sendable {
    package let bytes: Int
    /// From the moment the body is asked for to its last byte.
    package var milliseconds: UInt64

    package init(bytes: Int, milliseconds: UInt64) {
        self.bytes = bytes
        self.milliseconds = milliseconds
    }
}

/// The memory that all collected request bodies may take together: many small bodies take as much as a large one.
@EventLoop
package final class BufferedBytes {
    /// In bytes.
    package var limit: Int
    package private(set) var held = 0

    package init(limit: Int) {
        self.limit = limit
    }

    /// Throws `noMemory` when there is no room for `count` more bytes.
    package func take(_ count: Int) throws(RequestError) {
        guard held + count <= limit else { throw .noMemory }
        held += count
    }

    package func giveBack(_ count: Int) {
        held -= count
    }
}

/// Collects a whole body up to a limit.
@EventLoop
package final class BodyCollector: BodySink {
    /// Bytes that count against `budget`, until the creator of this gives them back.
    package private(set) var heldBytes = 0
    private let limit: Int
    private let budget: BufferedBytes
    private var bytes: [UInt8] = []
    private var result: Result<[UInt8], RequestError>?
    private var waiter: CheckedContinuation<Result<[UInt8], RequestError>, Never>?

    /// `limit` is in bytes, for this body; `budget` is shared by all.
    package init(limit: Int, budget: BufferedBytes) {
        self.limit = limit
        self.budget = budget
    }

    /// Returns when the last byte is there. Throws `clientGone` when the waiting task is cancelled.
    package func collected() async throws(RequestError) -> [UInt8] {
        if let result { return try result.get() }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                // Checked again: see `Transfer.head()`.
                if let result { waiter.resume(returning: result) } else { self.waiter = waiter }
            }
        } onCancel: {
            EventLoop.assumeIsolated { self.finish(.failure(.clientGone)) }
        }
        return try outcome.get()
    }

    package func take(_ new: UnsafeBufferPointer<UInt8>) -> Bool {
        guard result == nil else { return false }
        do throws(RequestError) {
            guard bytes.count + new.count <= limit else { throw .tooLarge(limit: limit) }
            try budget.take(new.count)
            heldBytes += new.count
            unsafe bytes.append(contentsOf: new)
            return true
        } catch {
            finish(.failure(error))
            return false
        }
    }

    package func end(_ error: RequestError?) {
        finish(error.map { .failure($0) } ?? .success(bytes))
    }

    private func finish(_ outcome: Result<[UInt8], RequestError>) {
        guard result == nil else { return }
        result = outcome
        bytes = []
        waiter?.resume(returning: outcome)
        waiter = nil
    }
}
