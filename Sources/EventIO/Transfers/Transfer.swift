import CEvent
package import HTTP

/// One call to another server, under way.
///
/// C holds one retain from `begin` to the `done` event. Cancelling the task that waits for it cancels the call.
@EventLoop
@safe package final class Transfer {
    /// Times in milliseconds.
    package struct Limits: Sendable {
        /// Name resolution, TCP and TLS together.
        package var connect: UInt32 = 5_000
        /// From the connection to the response's head.
        package var firstByte: UInt32 = 60_000
        /// How long the content may stop.
        package var stall: UInt32 = 60_000

        package init(connect: UInt32 = 5_000, firstByte: UInt32 = 60_000, stall: UInt32 = 60_000) {
            self.connect = connect
            self.firstByte = firstByte
            self.stall = stall
        }
    }

    package struct Head: Sendable {
        package let status: Status
        package var headers: Headers

        package init(status: Status, headers: Headers) {
            self.status = status
            self.headers = headers
        }

        package var contentLength: Int? { headers.contentLength }
    }

    package let started = MonotonicInstant.now
    private nonisolated(unsafe) var pointer: OpaquePointer?
    private var sink: (any TransferSink)?
    // Behind functions, for the same reason as in `Exchange`.
    private var headAfter: Int?
    private var received = 0
    private var sendableHandler: (@EventLoop () -> Void)?
    private let pool: TransferPool
    /// Its index among the pool's transfers under way.
    var index = 0
    private var head: Head?
    private var outcome: Result<Void, TransferError>?
    private var headWaiter: UnsafeContinuation<Void, Never>?
    private var doneWaiter: UnsafeContinuation<Void, Never>?

    package init(of pool: TransferPool, sink: (any TransferSink)?) {
        self.pool = pool
        self.sink = sink
    }

    /// From the start to the response's head, in microseconds; nil before it.
    package var firstByteMicroseconds: Int? { @inline(never) get { headAfter } }

    /// The response's; nil before its head is there.
    package var status: Status? { @inline(never) get { head?.status } }

    /// Bytes of content.
    package var receivedBytes: Int { @inline(never) get { received } }

    /// Called when most of the bytes that `send` queued have gone out.
    package var onSendable: (@EventLoop () -> Void)? {
        @inline(never) get { sendableHandler }
        @inline(never) set { sendableHandler = newValue }
    }

    func begin(_ pool: OpaquePointer?, _ call: inout ce_call) {
        unsafe pointer = ce_transfer_start(pool, &call, transferEvents, Unmanaged.passRetained(self).toOpaque())
    }

    /// Ends it before it has begun.
    package func refuse(_ error: TransferError) {
        outcome = .failure(error)
        sink?.end(.failure(error))
        sink = nil
    }

    /// Returns when the response's head is there. Throws why there is none; `cancelled` when the waiting task is cancelled.
    package func head() async throws(TransferError) -> Head {
        if head == nil, outcome == nil {
            await withTaskCancellationHandler {
                await headOrEnd()
            } onCancel: {
                EventLoop.assumeIsolated { self.cancel() }
            }
        }
        guard let head else {
            try outcome?.get()
            throw .broken("it ended before its head")
        }
        return head
    }

    /// Returns when the last byte has arrived. Throws like `head()`: then the content is not whole.
    package func done() async throws(TransferError) {
        if outcome == nil {
            await withTaskCancellationHandler {
                await end()
            } onCancel: {
                EventLoop.assumeIsolated { self.cancel() }
            }
        }
        try outcome?.get()
    }

    /// Returns when the response's head is there, or never will be. Cancelling the task does not end this: it is for callers that cancel the
    /// transfer itself, and a cancellation handler costs as much as a small response's way through the gateway.
    package func headOrEnd() async {
        guard head == nil, outcome == nil else { return }
        // Resumed at the latest by C's `done`, which comes for every transfer.
        unsafe await withUnsafeContinuation { waiter in
            // Checked again: in a task that was not started by `EventLoop.task` events may have come before this.
            if head != nil || outcome != nil { unsafe waiter.resume() } else { unsafe headWaiter = waiter }
        }
    }

    /// Returns when it has ended, and throws how. Like `headOrEnd()` for the rest.
    package func ended() async throws(TransferError) {
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
    package func send(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard let pointer = unsafe pointer else { return 0 }
        return unsafe ce_transfer_send(pointer, bytes.baseAddress, bytes.count)
    }

    /// The streamed request body is complete.
    package func sendEnd() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_send_end(pointer)
    }

    /// Tells the client's exchange that gets the content: bytes for which the client has no room are mostly not read.
    package func flows(to exchange: Exchange) {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_flows_to(pointer, exchange.socket)
    }

    /// Stops reading content until `resume()`; some that has been read may still come.
    package func pause() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_pause(pointer)
    }

    /// Lets content come again after the sink refused some, or after `pause()`.
    package func resume() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_resume(pointer)
    }

    package func cancel() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_transfer_cancel(pointer)
    }
}

// MARK: C's events

extension Transfer {
    fileprivate func headed(_ head: Head) {
        self.head = head
        headAfter = MonotonicInstant.now.microseconds(since: started)
        sink?.begin(head)
        unsafe headWaiter?.resume()
        unsafe headWaiter = nil
    }

    fileprivate func took(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard unsafe sink?.take(bytes) ?? true else { return false }
        received += bytes.count
        return true
    }

    fileprivate func ended(_ outcome: Result<Void, TransferError>) {
        unsafe pointer = nil
        self.outcome = outcome
        unsafe headWaiter?.resume()
        unsafe doneWaiter?.resume()
        unsafe (headWaiter, doneWaiter) = (nil, nil)
        let sink = sink
        (sendableHandler, self.sink) = (nil, nil)
        pool.ended(self)
        sink?.end(outcome)
    }
}

extension Result<Void, TransferError> {
    fileprivate init(_ outcome: ce_outcome, _ reason: UnsafePointer<CChar>?) {
        guard outcome != CE_OUTCOME_COMPLETE else {
            self = .success(())
            return
        }
        let reason = unsafe reason.map { unsafe String(cString: $0) } ?? ""
        self =
            switch outcome {
            case CE_OUTCOME_UNREACHABLE: .failure(.unreachable(reason))
            case CE_OUTCOME_PROXY_UNREACHABLE: .failure(.proxy(.unreachable, reason))
            case CE_OUTCOME_PROXY_CREDENTIALS: .failure(.proxy(.credentials, reason))
            case CE_OUTCOME_PROXY_REFUSED: .failure(.proxy(.refused, reason))
            case CE_OUTCOME_PROXY_FAILED: .failure(.proxy(.failed, reason))
            case CE_OUTCOME_TOO_SLOW: .failure(.tooSlow(reason))
            case CE_OUTCOME_CANCELLED: .failure(.cancelled)
            default: .failure(.broken(reason))
            }
    }
}

private nonisolated(unsafe) let headed = EventLoop.entry { (transfer: Transfer, head: Transfer.Head) in
    transfer.headed(head)
}
private nonisolated(unsafe) let took = unsafe EventLoop.entry {
    (transfer: Transfer, bytes: UnsafeBufferPointer<UInt8>) in
    unsafe transfer.took(bytes)
}
private nonisolated(unsafe) let ended = EventLoop.entry { (transfer: Transfer, outcome: Result<Void, TransferError>) in
    transfer.ended(outcome)
}

/// What C calls; it keeps the address, so it lives as long as the process.
private nonisolated(unsafe) let transferEvents = {
    let events = UnsafeMutablePointer<ce_transfer_events>.allocate(capacity: 1)
    unsafe events.initialize(
        to: ce_transfer_events(
            sendable: { context in
                let transfer: Transfer = unsafe unretained(context)
                EventLoop.assumeIsolated { transfer.onSendable?() }
            },
            head: { context, status, block in
                guard let block = unsafe block?.pointee else { return }
                let head = Transfer.Head(status: Status(Int(status)), headers: unsafe Headers(block))
                unsafe headed(unretained(context), head)
            },
            body: { context, bytes, count in
                unsafe took(unretained(context), UnsafeBufferPointer(start: bytes, count: count))
            },
            done: { context, outcome, reason in
                let result = unsafe Result(outcome, reason)
                unsafe ended(retained(context), result)
            }))
    return unsafe events
}()
