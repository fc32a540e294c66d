import EventIO
import HTTP
import Hub

/// Owns the parts and serves requests.
@EventLoop
final class Gateway {
    let drainState = DrainState()
    private var access: Access
    /// Nil but in access by keys.
    private let keys: KeyStore?
    private let router: Router
    private var handlers: Handlers
    private let log: AccessLog
    private let metrics: Metrics
    private let timeLimit: RequestTimeLimit

    init(settings: Settings, upstreams: Upstreams, log: AccessLog, metrics: Metrics, keys: KeyStore? = nil) {
        self.log = log
        self.keys = keys
        self.metrics = metrics
        router = Router(basePath: settings.basePath)
        access = settings.access
        timeLimit = RequestTimeLimit(milliseconds: UInt64(settings.requestTimeout.milliseconds))
        handlers = Handlers(settings: settings, upstreams: upstreams, drainState: drainState, metrics: metrics)
    }

    /// Requests in flight go on with what they have.
    func use(_ settings: Settings, upstreams: Upstreams) {
        log.isOn = settings.accessLog
        access = settings.access
        timeLimit.milliseconds = UInt64(settings.requestTimeout.milliseconds)
        handlers = Handlers(settings: settings, upstreams: upstreams, drainState: drainState, metrics: metrics)
    }

    /// Serves one request, from its arrival to its line in the log.
    func serve(_ exchange: Exchange, at role: ListenerRole = .only) {
        let context = RequestContext(id: .next(), caller: Caller(exchange, access))
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
    private func hasAmbientCredential(_ exchange: Exchange, _ caller: Caller) -> Bool {
        switch access {
        case .open: true
        case .passthrough: caller.credential?.scheme == .basic
        case .keys: ShownKey.isBasic(exchange.request.headers)
        }
    }

    /// Answers at once what can be, and starts a task for what has to wait.
    private func answer(_ exchange: Exchange, _ context: RequestContext, at role: ListenerRole) {
        do throws(Failure) {
            if let refusal = exchange.refusal { throw Failure(refusal) }
            if hasAmbientCredential(exchange, context.caller), CrossSite.sent(exchange.request) { throw .crossSite }
            if CrossSite.registersServiceWorker(exchange.request) { throw .serviceWorker }
            context.target = try router.target(of: exchange.request, at: role)
            let route = try router.route(exchange.request.method, context.target, at: role)
            context.route = route
            if let keys, route.needsKey { context.caller.key = try identify(exchange, keys) }
            let handler = handlers[route]
            guard try !handler.serveAtOnce(exchange, context) else { return }
            context.task = EventLoop.immediateTask { await self.answer(exchange, context, by: handler) }
        } catch {
            exchange.fail(error, context)
        }
    }

    /// Whose key the request shows.
    private func identify(_ exchange: Exchange, _ keys: KeyStore) throws(Failure) -> KeyIdentity {
        do throws(KeyRefusal) {
            return try keys.identify(exchange.request.headers)
        } catch {
            metrics.add(.keyRefusals, at: MetricLabels.KeyReason(error).rawValue)
            throw error.failure
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
