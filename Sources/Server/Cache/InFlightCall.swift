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

    private static let toldInATurn = 8

    let key: CoalescingKey
    /// Of the coalescer's: whether others can find it, and the next one at its place.
    var isShared = false
    var next: InFlightCall?
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

    /// Calls `then` once, outside of any callback of C: with the outcome, or with `clientGone` when the request is cancelled before.
    func wait(_ context: RequestContext, then: @escaping @EventLoop @Sendable (Outcome) -> Void) {
        let waiter = ObjectIdentifier(context)
        waiters[waiter] = { outcome in
            context.onCancel = nil
            then(outcome)
        }
        context.onCancel = { self.leave(waiter) }
    }

    private func leave(_ waiter: ObjectIdentifier) {
        guard let tell = waiters.removeValue(forKey: waiter) else { return }
        EventLoop.post { tell(.failed(.clientGone)) }
        if waiters.isEmpty { stop.take()?() }
    }

    // MARK: the response

    func begins() { coalescer.begins(self) }

    var isWanted: Bool { !waiters.isEmpty }
    var isRecording: Bool { recorder != nil }

    func outlivesClient(_ stop: @escaping @EventLoop () -> Void) { self.stop = stop }

    /// Who asks from here on asks anew, unless the response is recorded anyway.
    func begin(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool) {
        guard isWanted, let recorder = ResponseRecorder(status, headers, length: length, isHead: isHead) else {
            return end(.unshared)
        }
        self.recorder = recorder
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
        if isWanted {
            let all = Array(waiters.values)
            (waiters, recorder) = ([:], nil)
            Self.tell(all[...], outcome)
        }
        stop.take()?()
    }

    /// To each it is a write of up to what is recorded: so only to some in a turn of the loop.
    private static func tell(_ waiters: ArraySlice<@EventLoop @Sendable (Outcome) -> Void>, _ outcome: Outcome) {
        guard !waiters.isEmpty else { return }
        EventLoop.post {
            for waiter in waiters.prefix(toldInATurn) { waiter(outcome) }
            tell(waiters.dropFirst(toldInATurn), outcome)
        }
    }
}
