import EventIO
import HTTP
import Hub

/// A call to the Hub under way for one client, and the other requests that wait for its response.
@EventLoop
final class InFlightCall: ResponseSink {
    /// How the call ended, for the requests that waited.
    enum Outcome: Sendable {
        /// With a response that all of them may have.
        case answered(RecordedResponse)
        /// With a response that is kept.
        case kept(CachedResponse, CacheStatus)
        /// Without a response: all get the same failure.
        case failed(Failure)
        /// The response is not for sharing: each request makes a call of its own.
        case unshared
    }

    fileprivate static let toldInATurn = 8
    /// Bytes of content that are sent in one turn of the loop.
    fileprivate static let writtenInATurn = 1 << 20

    let key: CallKey
    /// The key's: comparing it copies no key.
    let digest: Int
    /// Set by the coalescer: whether other requests can find it. `next` is the next call at the same place.
    var isShared = false
    var next: InFlightCall?
    private let coalescer: RequestCoalescer
    let asked: Request
    /// Keeps the response as well.
    private let write: CacheWrite?
    /// The changes that were known before the Hub was asked.
    let mark: WriteEpochs.Mark
    /// The head has said that the response may be kept.
    private(set) var isKept = false
    private var waiters: [ObjectIdentifier: @EventLoop @Sendable (Outcome) -> Void] = [:]
    private var recorder: ResponseRecorder?
    private var kept: (CachedResponse, CacheStatus)?
    private var hasEnded = false
    private var hasBegun = false
    /// Tells the other workers that this one makes the call; nil where there are none, or they need not wait.
    private var claim: WorkerCalls.Own?
    /// Ends the call when no request waits any more.
    private var stop: (@EventLoop () -> Void)?

    init(
        _ key: CallKey, of coalescer: RequestCoalescer, for request: Request, _ write: CacheWrite?,
        mark: WriteEpochs.Mark
    ) {
        self.key = key
        digest = key.digest
        self.coalescer = coalescer
        asked = write == nil ? request : CacheWrite.withoutConditions(request)
        self.write = write
        self.mark = mark
    }

    var judgesConditions: Bool { write != nil }
    /// It began because its client wants the newest: later requests may have its response, too.
    var isNewest: Bool { write?.isOfItsOwn ?? false }

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

    func begins() {
        hasBegun = true
        coalescer.begins(self)
    }

    /// Other workers wait for the call from now on, unless it does not begin at once: its turn at the Hub may be late.
    func holds(_ claim: WorkerCalls.Own) {
        self.claim = claim
        EventLoop.post { if !self.hasBegun { self.claim = nil } }
    }

    var isWanted: Bool { !waiters.isEmpty }
    var isRecording: Bool { recorder != nil }

    func outlivesClient(_ stop: @escaping @EventLoop () -> Void) { self.stop = stop }

    /// Unless the response is recorded, requests from here on make calls of their own.
    func begin(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool) {
        let most = write?.limit(status, headers, length: isHead ? nil : length, to: asked)
        isKept = most != nil
        if !isKept { claim = nil }
        let limit = most ?? (isWanted ? ResponseRecorder.shared : 0)
        guard limit > 0,
            let recorder = ResponseRecorder(status, headers, length: length, isHead: isHead, limit: limit)
        else { return end(.unshared) }
        self.recorder = recorder
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard unsafe recorder?.append(bytes) == false else { return }
        end(.unshared)
    }

    func finish() {
        guard let response = recorder?.response, write?.mayShare(response) ?? true else { return end(.unshared) }
        write?.keep(response, to: asked)
        end(.answered(response))
    }

    /// Whether the Hub would have given the response to this request, too. Requests with the same key for a kept response may differ in fields
    /// by which the Hub chooses.
    func serves(_ request: Request, _ response: RecordedResponse) -> Bool {
        guard case .kept = key else { return true }
        return NominatedFields(response.headers, of: asked)?.fit(request) ?? false
    }

    func prepare(_ headers: inout Headers) { write?.makeConditional(&headers) }

    func replaces(_ head: Transfer.Head, led: Headers) -> Bool {
        kept = write?.replacement(for: head, led: led)
        return kept != nil
    }

    func replaces(_ failure: Failure) -> Bool {
        kept = write?.replacement(for: failure)
        return kept != nil
    }

    func answer(_ exchange: Exchange?, _ context: RequestContext) {
        guard let (response, status) = kept.take() else { return }
        exchange?.send(response, context, status)
        end(.kept(response, status))
    }

    func fail(_ failure: Failure?) { end(failure.map { .failed($0) } ?? .unshared) }

    /// The first outcome counts, and removes the call from those under way.
    private func end(_ outcome: Outcome) {
        guard !hasEnded else { return }
        hasEnded = true
        write?.ended()
        claim = nil
        coalescer.ended(self)
        recorder = nil
        if isWanted {
            let all = Array(waiters.values)
            waiters = [:]
            Self.tell(all[...], outcome, atOnce: outcome.toldInATurn)
        }
        stop.take()?()
    }

    /// Each waiter may be sent all that is recorded, so only some are told in a turn of the loop.
    private static func tell(
        _ waiters: ArraySlice<@EventLoop @Sendable (Outcome) -> Void>, _ outcome: Outcome, atOnce: Int
    ) {
        guard !waiters.isEmpty else { return }
        EventLoop.post {
            for waiter in waiters.prefix(atOnce) { waiter(outcome) }
            tell(waiters.dropFirst(atOnce), outcome, atOnce: atOnce)
        }
    }
}

extension InFlightCall.Outcome {
    /// How many waiters are told in one turn of the loop.
    @EventLoop fileprivate var toldInATurn: Int {
        let bytes =
            switch self {
            case .answered(let response): response.content.count
            case .kept(let response, _): response.response.content.count
            case .failed, .unshared: 0
            }
        return max(1, min(InFlightCall.toldInATurn, InFlightCall.writtenInATurn / max(bytes, 1)))
    }
}
