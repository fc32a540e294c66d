import EventIO
import HTTP
import Hub

/// Answers a client by a call to another server, or by several where one leads to the next: the body goes up and the response comes down as
/// they come, no faster than the other side takes them. Nothing is collected: bytes go from the transfer's callback to the client's connection,
/// and to the sink for other requests that wait for the same response.
///
/// Callbacks move it on; there is no task. Everything that it starts is started outside of C's callbacks.
@EventLoop
final class RelayDriver: TransferSink, CancellableWork {
    /// Bytes that may wait for the client before the transfer is paused; bytes that the client's socket takes at once do not wait.
    static let highMark = 16 * 1024
    /// How much is written at once: a TLS record.
    static let pieceBytes = 16 * 1024
    /// The same for unchanged content: four records, which leave together. A chunk would need one more write for each of its ends.
    static let barePieceBytes = 64 * 1024

    let exchange: Exchange
    let context: RequestContext
    private let pool: TransferPool
    private let admission: CallAdmission
    let broker: RateBroker
    /// The use of the Hub's budget; nil as long as none is known.
    var budget: BudgetUse?
    /// No client waits for it: its response is for later requests.
    let isBackground: Bool
    private let started = MonotonicInstant.now
    var call: RelayedCall
    /// The call that follows this one.
    private var next: RelayedCall?
    private var upload: UploadPump?
    private(set) var transfer: Transfer?
    /// The call's; nil where the request is not traced.
    private var span: CallSpan?
    /// The call's; given back at its end.
    private(set) var place: CallPlace?
    var isDropped = false
    /// What is left of a content that is dropped.
    private(set) var remainder: ResponseRemainder?
    /// Whether only the head of the call was wanted, so that its end does not matter.
    var isServed = false
    /// The client has been answered in another way, or has left; other requests still wait for the response.
    var isDetached: Bool
    /// What waits for the budget and for a place: the client's request, or a substitute for it once the client has left.
    private(set) var holder: RequestContext
    /// The response is not needed any more.
    var isAbandoned: Bool { holder.isCancelled }
    var isFinished = false
    private var hasEnded = false
    /// The response is more than this client's key may still have; other requests that wait are not concerned.
    var isOverLimit = false
    /// The key may not make this request any more; other requests that wait are not concerned either.
    private var isOfKey = false
    /// Makes the next two when the first content comes.
    var makeRewriter: (@EventLoop () -> (JSONRewriter, URLScanner))?
    var onlyURLs = false
    var rewriter: JSONRewriter?
    /// Checks the rewritten text.
    var scanner: URLScanner?
    /// The head of a response that is rewritten: it goes out with the first content, when its rewriting is known.
    var waitingHead: Transfer.Head?
    /// Rewritten content that has not gone out yet; nil while all of it is unchanged.
    var gathered: [UInt8]?
    /// Why the response cannot go to the client; the call is cancelled then.
    var failure: Failure? { didSet { hasFailed = failure != nil } }
    /// Reading this does not copy a failure.
    private var hasFailed = false
    /// Of bytes that are to be passed again, how many are done all the same.
    var takenBytes = 0
    /// Content that is still to come; nil if the head did not say how much there is.
    var missingBytes: Int?
    var keepAlive: EventStreamKeepAlive?

    /// `isDetached`: the client has been answered, so the exchange has ended and reports nothing any more.
    init(
        _ call: RelayedCall, _ exchange: Exchange, _ context: RequestContext, pool: TransferPool,
        admission: CallAdmission, broker: RateBroker, isDetached: Bool = false
    ) {
        self.isDetached = isDetached
        isBackground = isDetached
        self.broker = broker
        self.call = call
        self.exchange = exchange
        self.context = context
        holder = context
        self.pool = pool
        self.admission = admission
        guard !isDetached else { return }
        exchange.onWritable = {
            self.place?.goesOn()
            self.transfer?.resume()
        }
    }
}

// MARK: the calls

extension RelayDriver {
    /// Begins with the call. Callbacks answer the exchange from here on.
    func start() {
        context.work = self
        guard call.sendsBody else { return enter() }
        let audited = context.audited?.body
        if let body = exchange.bodyAtOnce(atMost: UploadPump.mostAhead) {
            if let audited { unsafe body.withUnsafeBufferPointer { unsafe audited.take($0) } }
            call.body = body
            return enter()
        }
        let upload = UploadPump(from: exchange, context)
        self.upload = upload
        upload.begin { [self] failure in
            guard !hasEnded else { return }
            if let failure { return fail(failure) }
            enter()
        }
    }

    /// Makes the call when the Hub's budget has room for it, and it has its turn.
    private func enter() {
        guard !isAbandoned else { return fail(.clientGone) }
        if askBudget() { enterPlace() }
    }

    func enterPlace() {
        if let place = admission.begin(holder) { return makeIfMay(at: place) }
        admission.wait(holder) { [self] result in
            switch result {
            case .success(let place):
                // The client may have left between the two turns.
                guard !isAbandoned else {
                    place.end()
                    return makesNoCall(.clientGone)
                }
                makeIfMay(at: place)
            case .failure(let failure): makesNoCall(failure)
            }
        }
    }

    /// The call may have waited long, and the client's key may not make it any more. For other requests that wait it is made all the same.
    private func makeIfMay(at place: CallPlace) {
        do throws(Failure) {
            if holder === context { try context.confirmKey() }
            make(at: place)
        } catch {
            place.end()
            isOfKey = true
            makesNoCall(error)
        }
    }

    private func make(at place: CallPlace) {
        self.place = place
        let call = call
        context.sink?.begins()
        context.allowance?.asks()
        context.audited?.calls(call.request.method)
        var stream: TransferPool.Stream?
        if call.sendsBody, let upload {
            if let body = upload.whole {
                call.body = body
            } else {
                stream = TransferPool.Stream(length: exchange.declaredLength)
            }
        }
        if let trace = context.trace { span = call.begins(trace) }
        let transfer = pool.start(
            call.request, body: call.body, url: call.url, target: call.target,
            authorization: call.credential?.authorization, limits: call.limits,
            stream: stream, sink: self)
        self.transfer = transfer
        if stream != nil { upload?.go(on: transfer, at: place) }
    }

    /// The client has left, or the request has to end for another reason (499 in the log, for which RFC 9110 has no status).
    func cancel() {
        if let sink = context.sink, sink.isWanted, !context.makesWay, holder === context {
            outliveClient(for: sink)
        } else if let transfer {
            transfer.cancel()
        } else if upload?.hasBegun == false {
            fail(.clientGone)
        }
    }

    /// Goes on for other requests, also while it waits for its turn.
    private func outliveClient(for sink: any ResponseSink) {
        isDetached = true
        let holder = RequestContext(id: context.id, address: context.address, forwardedOrigin: context.forwardedOrigin)
        (holder.principal, holder.target, holder.route) = (context.principal, context.target, context.route)
        // The handler that ends the wait moves along, and is not called for the client's end.
        holder.onCancel = context.onCancel.take()
        holder.work = self
        self.holder = holder
        exchange.fail(.clientGone, context)
        sink.outlivesClient { holder.cancel() }
        transfer?.resume()
    }

    func end(_ outcome: Result<Void, TransferError>) {
        place.take()?.end()
        endBudget(outcome)
        span.take()?.end(transfer?.status, outcome)
        (transfer, keepAlive, remainder) = (nil, nil, nil)
        if let next = next.take(), !hasFailed {
            return EventLoop.post { self.follow(next) }
        }
        settle(outcome)
    }

    /// Only the head was wanted. The rest mostly comes with it, and then the connection may be kept; otherwise the rest
    /// is not waited for.
    func leadsOn(to next: RelayedCall) {
        self.next = next
        dropContent()
    }

    func dropContent() {
        (isDropped, isServed) = (true, true)
        remainder = ResponseRemainder { self.transfer?.cancel() }
    }

    private func follow(_ next: RelayedCall) {
        call = next
        (isDropped, isServed) = (false, false)
        enter()
    }

    /// The last call has ended: the response is whole, or fails.
    private func settle(_ outcome: Result<Void, TransferError>) {
        if !hasFailed { finish(after: outcome) }
        if hasFailed, let failure { return fail(failure) }
        letGo()
    }

    private func finish(after outcome: Result<Void, TransferError>) {
        if !isServed, case .failure(let error) = outcome {
            giveUp(upload?.failure ?? Failure(error))
        } else if isServed, exchange.isGone {
            giveUp(.clientGone)
        } else {
            finish()
        }
    }

    func fail(_ failure: Failure) {
        let failure = failure.at(call.server)
        noteTime()
        context.change?.apply()
        let isOfClient = isAbandoned || isOverLimit || isOfKey || failure.kind == .clientGone
        if !isFinished, !isOfClient, isDetached || exchange.canAnswer, context.sink?.replaces(failure) ?? false {
            answerWithKept()
            return letGo()
        }
        if !isFinished, !isOfClient, !isDetached, exchange.canAnswer, let answer = call.standIn?(failure) {
            handOver(to: answer)
            return letGo()
        }
        context.sink?.fail(isOfClient ? nil : failure)
        if !isDetached { exchange.fail(failure, context) }
        letGo()
    }

    private func letGo() {
        hasEnded = true
        context.sink = nil
        // The context may have another work by now.
        if context.work === self { context.work = nil }
        if holder.work === self { holder.work = nil }
        upload = nil
    }

    /// Notes how long the server took, whatever the result.
    func noteTime() {
        guard context.upstreamMicroseconds == nil else { return }
        let waited = min(context.budgetMicroseconds, MonotonicInstant.now.microseconds(since: started))
        context.upstreamMicroseconds = MonotonicInstant.now.microseconds(since: started) - waited
    }
}
