import EventIO
import HTTP
import Hub

/// A call to the Hub under way for one client, and those who wait for its response besides.
@EventLoop
final class InFlightCall: ResponseSink {
    /// How it went, for those who waited.
    enum Outcome: Sendable {
        /// With a response that all may have.
        case answered(RecordedResponse)
        /// Without one: all are told the same.
        case failed(Failure)
        /// The response is not for sharing: each makes a call of their own.
        case unshared
    }

    let key: CoalescingKey
    private let coalescer: RequestCoalescer
    private var waiters: [ObjectIdentifier: @EventLoop @Sendable (Outcome) -> Void] = [:]
    private var recorder: ResponseRecorder?
    private var hasEnded = false
    /// Ends the call when nobody waits any more.
    private var stop: (@EventLoop () -> Void)?

    init(_ key: CoalescingKey, of coalescer: RequestCoalescer) {
        self.key = key
        self.coalescer = coalescer
    }

    /// Calls `then` once with the outcome, outside of any callback of C, unless the request is cancelled before.
    func wait(_ context: RequestContext, then: @escaping @EventLoop @Sendable (Outcome) -> Void) {
        let waiter = ObjectIdentifier(context)
        waiters[waiter] = { outcome in
            context.onCancel = nil
            then(outcome)
        }
        context.onCancel = { [weak self] in self?.leave(waiter) }
    }

    private func leave(_ waiter: ObjectIdentifier) {
        waiters[waiter] = nil
        if waiters.isEmpty { stop.take()?() }
    }

    // MARK: the response

    var isWanted: Bool { !waiters.isEmpty }
    var isRecording: Bool { recorder != nil }

    func outlivesClient(_ stop: @escaping @EventLoop () -> Void) { self.stop = stop }

    /// Who asks from here on asks anew, unless the response is recorded anyway.
    func begin(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool) {
        recorder = isWanted ? ResponseRecorder(status, headers, length: length, isHead: isHead) : nil
        if recorder == nil { end(.unshared) }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard unsafe recorder?.append(bytes) == false else { return }
        end(.unshared)
    }

    func finish() { end(recorder.map { .answered($0.response) } ?? .unshared) }

    func fail(_ failure: Failure?) { end(failure.map { .failed($0) } ?? .unshared) }

    /// Only the first outcome counts, and it takes the call out of those under way.
    private func end(_ outcome: Outcome) {
        guard !hasEnded else { return }
        hasEnded = true
        coalescer.ended(self)
        let waiters = self.waiters
        (self.waiters, recorder) = ([:], nil)
        for waiter in waiters.values { EventLoop.post { waiter(outcome) } }
        stop.take()?()
    }
}
