import EventIO
import HTTP
import Hub

/// Owns the parts and serves requests.
@EventLoop
final class Gateway {
    let drainState = DrainState()
    private var access: Access
    private var trustedProxies: IPNetworks
    private let publicURL: UpstreamAddress?
    private let router: Router
    private var handlers: Handlers
    private let log: AccessLog
    private let metrics: Metrics
    private let timeLimit: RequestTimeLimit

    init(settings: Settings, upstreams: Upstreams, log: AccessLog, metrics: Metrics) {
        self.log = log
        self.metrics = metrics
        router = Router(basePath: settings.basePath)
        access = settings.access
        trustedProxies = settings.trustedProxies
        publicURL = settings.publicURL
        timeLimit = RequestTimeLimit(milliseconds: UInt64(settings.requestTimeout.milliseconds))
        handlers = Handlers(settings: settings, upstreams: upstreams, drainState: drainState, metrics: metrics)
    }

    /// Requests in flight go on with what they have.
    func use(_ settings: Settings, upstreams: Upstreams) {
        log.isOn = settings.accessLog
        access = settings.access
        trustedProxies = settings.trustedProxies
        timeLimit.milliseconds = UInt64(settings.requestTimeout.milliseconds)
        handlers = Handlers(settings: settings, upstreams: upstreams, drainState: drainState, metrics: metrics)
    }

    /// Serves one request, from its arrival to its line in the log.
    func serve(_ exchange: Exchange, at role: ListenerRole = .only) {
        let context = RequestContext(id: .next(), caller: Caller(exchange, access, trusted: trustedProxies))
        drainState.began()
        timeLimit.watch(context)
        exchange.onDone = { whole in
            let microseconds = MonotonicInstant.now.microseconds(since: context.started)
            self.timeLimit.forget(context)
            self.log.note(exchange, context, whole: whole, microseconds: microseconds)
            self.metrics.note(exchange, context, whole: whole, microseconds: microseconds)
            self.drainState.ended()
        }
        exchange.onGone = { context.cancel() }
        EventLoop.post { self.answer(exchange, context, at: role) }
    }

    /// Whether a browser could attach this credential by itself: the gateway's own, or a user's name and token that their
    /// browser has remembered (RFC 7617 section 2.2) and adds to what any page makes it send.
    private func hasAmbientCredential(_ caller: Caller) -> Bool {
        access == .open || caller.credential?.scheme == .basic
    }

    private func origin(_ request: Request, _ caller: Caller) -> String? {
        GatewayAddress.origin(of: request, by: caller, publicURL: publicURL)
    }

    /// Answers at once what can be, and starts a task for what has to wait.
    private func answer(_ exchange: Exchange, _ context: RequestContext, at role: ListenerRole) {
        do throws(Failure) {
            if let refusal = exchange.refusal { throw Failure(refusal) }
            if hasAmbientCredential(context.caller),
                CrossSite.sent(exchange.request, to: origin(exchange.request, context.caller))
            {
                throw .crossSite
            }
            if CrossSite.registersServiceWorker(exchange.request) { throw .serviceWorker }
            context.target = try router.target(of: exchange.request, at: role)
            let route = try router.route(exchange.request.method, context.target, at: role)
            context.route = route
            let handler = handlers[route]
            guard try !handler.serveAtOnce(exchange, context) else { return }
            context.task = EventLoop.immediateTask { await self.answer(exchange, context, by: handler) }
        } catch {
            exchange.fail(error, context)
        }
    }

    private func answer(_ exchange: Exchange, _ context: RequestContext, by handler: any Handler) async {
        do throws(Failure) {
            try await handler.serve(exchange, context)
        } catch {
            exchange.fail(error, context)
        }
    }

}

extension Exchange {
    /// Answers with a failure, as far as that can still be done.
    func fail(_ failure: Failure, _ context: RequestContext) {
        let failure = context.isOverdue ? .overdue : context.makesWay ? .madeWay : failure
        context.failure = failure
        guard canAnswer, failure.kind != .clientGone else {
            // The head has said that all is well: the only honest end is a connection that breaks.
            return abort()
        }
        send(failure.response(to: request, id: context.id))
    }
}
