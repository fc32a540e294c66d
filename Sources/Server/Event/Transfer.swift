internal import CEvent
internal import Hub

/// One call to another server, under way.
///
/// C holds one retain from `begin` to the `done` event. Cancelling the task that waits for it cancels the call.
@EventLoop
@safe final class Transfer {
    /// Times in milliseconds.
    struct Limits: Sendable {
        /// Name resolution, TCP and TLS together.
        var connect: UInt32 = 5_000
        /// From the connection to the answer's head.
        var firstByte: UInt32 = 60_000
        /// How long the content may stand still.
        var stall: UInt32 = 60_000
    }

    struct Head: Sendable {
        let status: Status
        var headers: Headers

        var contentLength: Int? { headers["Content-Length"].flatMap { Int($0) } }
    }

    let started = Moment.now
    /// From the start to the answer's head; nil before it.
    private(set) var firstByteMicroseconds: Int?
    private(set) var receivedBytes = 0
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private var sink: (any TransferSink)?
    /// Called when what `send` queued has mostly gone out.
    var onSendable: (@EventLoop () -> Void)?
    private let pool: TransferPool
    /// Where the pool has noted it.
    var place = 0
    private var head: Head?
    private var outcome: Result<Void, Failure>?
    private var headWaiter: UnsafeContinuation<Void, Never>?
    private var doneWaiter: UnsafeContinuation<Void, Never>?

    init(of pool: TransferPool, sink: (any TransferSink)?) {
        self.pool = pool
        self.sink = sink
    }

    func begin(_ pool: OpaquePointer?, _ call: inout ce_call) {
        unsafe pointer = ce_transfer_start(pool, &call, transferEvents, Unmanaged.passRetained(self).toOpaque())
    }

    /// Ends it before it has begun.
    func refuse(_ failure: Failure) {
        outcome = .failure(failure)
        sink?.end(.failure(failure))
        sink = nil
    }

    /// Returns when the answer's head is there. Throws `hubUnreachable`, `hubTooSlow`, `hubBroken`, or `clientGone` when cancelled.
    func head() async throws(Failure) -> Head {
        if head == nil, outcome == nil {
            await withTaskCancellationHandler {
                await headOrEnd()
            } onCancel: {
                EventLoop.assumeIsolated { self.cancel() }
            }
        }
        guard let head else {
            try outcome?.get()
            throw .hubBroken("it ended before its head")
        }
        return head
    }

    /// Returns when the last byte has arrived. Throws like `head()`: then the content is not whole.
    func done() async throws(Failure) {
        if outcome == nil {
            await withTaskCancellationHandler {
                await end()
            } onCancel: {
                EventLoop.assumeIsolated { self.cancel() }
            }
        }
        try outcome?.get()
    }

    /// Returns when the answer's head is there, or never will be. Cancelling the task does not end this: it is for whoever cancels the
    /// transfer itself, and a cancellation handler costs as much as a small answer's way through the gateway.
    func headOrEnd() async {
        guard head == nil, outcome == nil else { return }
        // Resumed at the latest by C's `done`, which comes for every transfer.
        unsafe await withUnsafeContinuation { waiter in
            // Looked at again: a task that was not started by `EventLoop.task` lets events in before it gets here.
            if head != nil || outcome != nil { unsafe waiter.resume() } else { unsafe headWaiter = waiter }
        }
    }

    /// Returns when it has ended, and throws how. Like `headOrEnd()` for the rest.
    func ended() async throws(Failure) {
        await end()
        try outcome?.get()
    }

    private func end() async {
        guard outcome == nil else { return }
        unsafe await withUnsafeContinuation { waiter in
            if outcome != nil { unsafe waiter.resume() } else { unsafe doneWaiter = waiter }
        }
    }

    /// Queues bytes of a streamed request body. Returns how many wait for the other side.
    func send(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_transfer_send(pointer, bytes.baseAddress, bytes.count)
    }

    /// The streamed request body is complete.
    func sendEnd() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_send_end(pointer)
    }

    /// Says to whom the content goes on: what the client has no room for is mostly not read.
    func flows(to exchange: Exchange) {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_flows_to(pointer, exchange.socket)
    }

    /// Has no more content read until `resume()`; some that has been read may still come.
    func pause() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_pause(pointer)
    }

    /// Lets content come again after the sink refused some, or after `pause()`.
    func resume() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_resume(pointer)
    }

    func cancel() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_cancel(pointer)
    }
}

// MARK: C's events

extension Transfer {
    fileprivate func headed(_ head: Head) {
        self.head = head
        firstByteMicroseconds = Moment.now.microseconds(since: started)
        sink?.begin(head)
        unsafe headWaiter?.resume()
        unsafe headWaiter = nil
    }

    fileprivate func took(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard unsafe sink?.take(bytes) ?? true else { return false }
        receivedBytes += bytes.count
        return true
    }

    fileprivate func ended(_ outcome: Result<Void, Failure>) {
        unsafe pointer = nil
        self.outcome = outcome
        unsafe headWaiter?.resume()
        unsafe doneWaiter?.resume()
        unsafe (headWaiter, doneWaiter) = (nil, nil)
        let sink = sink
        (onSendable, self.sink) = (nil, nil)
        pool.ended(self)
        sink?.end(outcome)
    }
}

extension Result<Void, Failure> {
    fileprivate init(_ outcome: ce_outcome, _ reason: UnsafePointer<CChar>?) {
        guard outcome != CE_OUTCOME_WHOLE else {
            self = .success(())
            return
        }
        let reason = unsafe reason.map { unsafe String(cString: $0) } ?? ""
        self =
            switch outcome {
            case CE_OUTCOME_UNREACHABLE: .failure(.hubUnreachable(reason))
            case CE_OUTCOME_TOO_SLOW: .failure(.hubTooSlow(reason))
            case CE_OUTCOME_CANCELLED: .failure(.clientGone)
            default: .failure(.hubBroken(reason))
            }
    }
}

/// What C calls; it keeps the address, so it lives as long as the process.
private nonisolated(unsafe) let transferEvents = {
    let events = UnsafeMutablePointer<ce_transfer_events>.allocate(capacity: 1)
    unsafe events.initialize(
        to: ce_transfer_events(
            sendable: { context in
                let transfer: Transfer = unsafe borrowed(context)
                EventLoop.assumeIsolated { transfer.onSendable?() }
            },
            head: { context, status, block in
                guard let block = unsafe block?.pointee else { return }
                let transfer: Transfer = unsafe borrowed(context)
                let head = Transfer.Head(status: Status(Int(status)), headers: unsafe Headers(block))
                EventLoop.assumeIsolated { transfer.headed(head) }
            },
            body: { context, bytes, count in
                let transfer: Transfer = unsafe borrowed(context)
                nonisolated(unsafe) let content = unsafe UnsafeBufferPointer(start: bytes, count: count)
                return EventLoop.assumeIsolated { unsafe transfer.took(content) }
            },
            done: { context, outcome, reason in
                let transfer: Transfer = unsafe taken(context)
                let result = unsafe Result(outcome, reason)
                EventLoop.assumeIsolated { transfer.ended(result) }
            }))
    return unsafe events
}()
