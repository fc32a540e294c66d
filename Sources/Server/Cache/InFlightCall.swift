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
        /// With one that is kept.
        case kept(CachedResponse, CacheStatus)
        /// Without one: all are told the same.
        case failed(Failure)
        /// The response is not for sharing: each makes a call of their own.
        case unshared
    }

    fileprivate static let toldInATurn = 8
    /// Of content, in bytes.
    fileprivate static let writtenInATurn = 1 << 20

    let key: CallKey
    /// The key's: to ask for it copies no key.
    let digest: Int
    /// Of the coalescer's: whether others can find it, and the next one at its place.
    var isShared = false
    var next: InFlightCall?
    private let coalescer: RequestCoalescer
    let asked: Request
    /// Keeps the response besides.
    private let write: CacheWrite?
    /// Counts of changes from before the Hub was asked.
    let mark: WriteEpochs.Mark
    /// The head has said that the response may be kept.
    private(set) var isKept = false
    private var waiters: [ObjectIdentifier: @EventLoop @Sendable (Outcome) -> Void] = [:]
    private var recorder: ResponseRecorder?
    private var kept: (CachedResponse, CacheStatus)?
    private var hasEnded = false
    private var hasBegun = false
    /// Says to the other workers that this one asks; nil where there are none, or they need not wait.
    private var claim: WorkerCalls.Own?
    /// Ends the call when nobody waits any more.
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
    /// It began because its client wants the newest: whoever comes after may have that, too.
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

    /// Other workers wait for the call: unless it is to wait for its own turn first, which may be late.
    func holds(_ claim: WorkerCalls.Own) {
        self.claim = claim
        EventLoop.post { if !self.hasBegun { self.claim = nil } }
    }

    var isWanted: Bool { !waiters.isEmpty }
    var isRecording: Bool { recorder != nil }

    func outlivesClient(_ stop: @escaping @EventLoop () -> Void) { self.stop = stop }

    /// Who asks from here on asks anew, unless the response is recorded anyway.
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

    /// Whether the Hub would have given the response to this request, too. Requests for one kept response may differ in fields by which
    /// the Hub chooses.
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

    /// Only the first outcome counts, and it takes the call out of those under way.
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

    /// To each it is a write of up to what is recorded: so only to some in a turn of the loop.
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
    /// How many who wait are told in one turn of the loop.
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
