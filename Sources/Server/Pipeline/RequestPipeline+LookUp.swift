import EventIO
import HTTP
import Hub

extension RequestPipeline {
    /// Looks for a kept response, or a call under way for the same. Returns whether that answers this request, too.
    func lookUp(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) throws(Failure) -> Bool {
        let request = exchange.request
        guard request.method.isSafe else {
            context.change = change(by: request, context, route)
            if state.cache.isOn, route == .relay { context.cacheStatus = .forwarded(.method) }
            return false
        }
        guard isShareable(context, route) else {
            if state.cache.isOn, route == .relay { context.cacheStatus = .forwarded(.bypass) }
            return false
        }
        guard state.cache.isOn else { return try join(exchange, context, route, nil) }
        switch state.cache.find(request, context, hasBody: exchange.hasBody) {
        case .bypass:
            context.cacheStatus = .forwarded(.bypass)
            return try join(exchange, context, route, nil)
        case .absent: throw .notKept
        case .hit(let kept):
            if context.hasAwaitedWorker {
                exchange.send(kept, context, .collapsed)
            } else {
                answer(exchange, context, with: kept)
            }
        case .stale(let kept, let write):
            answer(exchange, context, with: kept)
            revalidate(exchange, context, write)
        case .fetch(let write):
            context.cacheStatus = .forwarded(write.reason)
            return try join(exchange, context, route, write)
        }
        return true
    }

    /// What a request changes; nil where it changes nothing, or nothing is shared or kept.
    private func change(by request: Request, _ context: RequestContext, _ route: Route.Name) -> CacheChange? {
        guard state.cache.isOn || state.coalescer.isOn else { return nil }
        switch route {
        case .relay: return CacheChange(HubOperation.find(request.method, context.target), state.epochs)
        case .createRepo, .updateRepo, .deleteRepo: return CacheChange(ofAny: state.epochs)
        default: return nil
        }
    }

    /// Whether the Hub's response could be given to others, too.
    private func isShareable(_ context: RequestContext, _ route: Route.Name) -> Bool {
        route == .relay && context.permit == .relayed && context.body == nil
    }

    private func answer(_ exchange: Exchange, _ context: RequestContext, with kept: CachedResponse) {
        exchange.send(kept, context, .hit(ttl: state.cache.ttl(of: kept)))
    }

    private func join(
        _ exchange: Exchange, _ context: RequestContext, _ route: Route.Name, _ write: CacheWrite?
    ) throws(Failure) -> Bool {
        switch state.coalescer.join(exchange, context, write) {
        case .bypass: return false
        case .lead(let call):
            if let write, let calls = state.workerCalls, state.coalescer.isOn, !write.isOfItsOwn {
                switch calls.claim(write) {
                case .own(let claim):
                    // Between the look and the claim another worker's call may have ended.
                    if state.cache.isKeptMeanwhile(write) { return try lookUp(exchange, context, route) }
                    call.holds(claim)
                case .others(let claim) where !context.hasAwaitedWorker:
                    wait(claim, calls, exchange, context)
                    return true
                case .others, .unclaimed: break
                }
            }
            context.sink = call
            return false
        case .follow(let call):
            call.wait(context) { outcome in self.follow(call, outcome, exchange, context) }
            return true
        }
    }

    /// Another worker is making the call: the request goes on when that has ended, with the response if it is kept.
    private func wait(
        _ claim: CallClaims.Claim, _ calls: WorkerCalls, _ exchange: Exchange, _ context: RequestContext
    ) {
        context.hasAwaitedWorker = true
        state.metrics.add(.cacheAwaited)
        calls.wait(claim, context) {
            do throws(Failure) {
                if context.isCancelled { throw .clientGone }
                try self.askNow(exchange, context, .relay)
            } catch {
                self.fail(exchange, context, error)
            }
        }
    }

    private func follow(
        _ call: InFlightCall, _ outcome: InFlightCall.Outcome, _ exchange: Exchange, _ context: RequestContext
    ) {
        do throws(Failure) {
            try context.confirmKey()
            switch outcome {
            case .kept(let response, let status) where response.fits(exchange.request):
                context.isShared = true
                exchange.send(response, context, status)
            case .answered(let response) where call.serves(exchange.request, response):
                context.isShared = true
                context.hubRequestID = response.headers["X-Request-Id"]
                context.release(response.content.count, to: exchange) {
                    exchange.send(shared: response, context, isConditional: call.judgesConditions)
                }
            case .failed(let failure): throw failure
            case .kept, .answered, .unshared: try forward(exchange, context, .relay)
            }
        } catch {
            fail(exchange, context, error)
        }
    }

    /// Asks the Hub whether the response that a client was given is still right, for later requests.
    private func revalidate(_ exchange: Exchange, _ answered: RequestContext, _ write: CacheWrite) {
        let context = RequestContext(
            id: .next(), address: answered.address, forwardedOrigin: answered.forwardedOrigin)
        (context.principal, context.target, context.route) = (answered.principal, answered.target, .relay)
        // Another waiter for the same does that as well.
        guard case .lead(let call) = state.coalescer.join(exchange, context, write) else { return write.ended() }
        if state.coalescer.isOn, let calls = state.workerCalls {
            switch calls.claim(write) {
            case .own(let claim):
                if state.cache.isKeptMeanwhile(write) { return write.ended() }
                call.holds(claim)
            case .others: return write.ended()
            case .unclaimed: break
            }
        }
        context.sink = call
        handlers.hub.revalidate(exchange, context)
    }
}

extension Failure {
    /// RFC 9111 section 5.2.1.7.
    fileprivate static var notKept: Failure {
        Failure(
            .hubTooSlow,
            detail:
                "Nothing is kept here for this request, and its Cache-Control says only-if-cached. Ask again without that."
        )
    }
}
