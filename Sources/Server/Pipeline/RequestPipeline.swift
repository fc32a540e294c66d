import EventIO
import HTTP
import Hub

/// The road of a request, from its arrival to its line in the log.
@EventLoop
final class RequestPipeline {
    let state: GatewayState
    private let router: Router
    private var trustedOrigins: TrustedOrigins
    private var trustedProxies: IPNetworks
    private let publicURL: UpstreamAddress?
    private var handlers: Handlers
    private let log: AccessLog
    private let timeLimit: RequestTimeLimit

    init(_ settings: Settings, upstreams: Upstreams, state: GatewayState, log: AccessLog) {
        self.state = state
        self.log = log
        router = Router(basePath: settings.basePath)
        trustedOrigins = settings.trustedOrigins
        trustedProxies = settings.trustedProxies
        publicURL = settings.publicURL
        timeLimit = RequestTimeLimit(milliseconds: UInt64(settings.requestTimeout.milliseconds))
        handlers = Handlers(settings, upstreams: upstreams, state: state)
    }

    /// Requests in flight go on with what they have.
    func use(_ settings: Settings, upstreams: Upstreams) {
        log.isOn = settings.accessLog
        trustedOrigins = settings.trustedOrigins
        trustedProxies = settings.trustedProxies
        timeLimit.milliseconds = UInt64(settings.requestTimeout.milliseconds)
        handlers = Handlers(settings, upstreams: upstreams, state: state)
    }

    /// Serves one request that has come in at a listener of `role`.
    func serve(_ exchange: Exchange, at role: ListenerRole = .only) {
        let client = ClientAddress.of(exchange, trusted: trustedProxies)
        let context = RequestContext(id: .next(), address: client.text, forwardedOrigin: client.origin)
        state.drainState.began()
        timeLimit.watch(context)
        exchange.onDone = { whole in self.record(exchange, context, whole: whole) }
        exchange.onGone = { context.cancel() }
        // Outside of the callback of C's that told of it.
        EventLoop.post { self.run(exchange, context, at: role) }
    }

    /// The phases, in the order of docs/ARCHITECTURE.md. Whatever throws, the client is told why.
    private func run(_ exchange: Exchange, _ context: RequestContext, at role: ListenerRole) {
        do throws(Failure) {
            guard try accept(exchange, context) else { return }
            identify(exchange, context)
            try authorize(exchange, context)
            let route = try route(exchange, context, at: role)
            try admit(context)
            guard !lookUp(exchange, context, route) else { return }
            try forward(exchange, context, route)
        } catch {
            fail(exchange, context, error)
        }
    }
}

// MARK: the phases

extension RequestPipeline {
    /// What the parser has refused is answered in the same form as all else, and what a browser asks before it asks at once. Returns
    /// whether there is more to do.
    private func accept(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool {
        if let refusal = exchange.refusal { throw Failure(refusal) }
        context.crossOrigin = CrossOrigin(exchange.request, trustedOrigins)
        guard let response = context.crossOrigin?.preflight(exchange.request) else { return true }
        exchange.send(response, id: .own(context.id))
        return false
    }

    /// Who asks.
    private func identify(_ exchange: Exchange, _ context: RequestContext) {
        context.principal = state.identification.principal(of: exchange.request)
    }

    /// May they. Before the route is known: a page of another site learns of none.
    private func authorize(_ exchange: Exchange, _ context: RequestContext) throws(Failure) {
        try CrossSite.check(
            exchange.request, context.principal, isTrusted: context.crossOrigin?.isNamed == true,
            to: GatewayAddress.origin(
                of: exchange.request, forwarded: context.forwardedOrigin, publicURL: publicURL))
    }

    /// What is asked: an endpoint of ours, or what is relayed.
    private func route(
        _ exchange: Exchange, _ context: RequestContext, at role: ListenerRole
    ) throws(Failure) -> Route.Name {
        context.target = try router.target(of: exchange.request, at: role)
        let route = try router.route(exchange.request.method, context.target, at: role)
        context.route = route
        return route
    }

    /// Is there time for it. Whose turn it is at the Hub is asked where a call begins (`CallAdmission`).
    private func admit(_ context: RequestContext) throws(Failure) {
        if context.isCancelled { throw .clientGone }
    }

    /// Is it here: a call under way for the same. Returns whether its response answers this request, too.
    private func lookUp(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) -> Bool {
        guard route == .relay else { return false }
        switch state.coalescer.join(exchange, context) {
        case .bypass: return false
        case .lead(let call):
            context.sink = call
            return false
        case .follow(let call):
            call.wait(context) { outcome in self.follow(outcome, exchange, context) }
            return true
        }
    }

    private func follow(_ outcome: InFlightCall.Outcome, _ exchange: Exchange, _ context: RequestContext) {
        do throws(Failure) {
            switch outcome {
            case .answered(let response):
                context.isShared = true
                context.hubRequestID = response.headers["X-Request-Id"]
                exchange.send(response, id: .beside(context.id))
            case .failed(let failure): throw failure
            case .unshared: try forward(exchange, context, .relay)
            }
        } catch {
            fail(exchange, context, error)
        }
    }

    /// Ask the handler, and by it mostly the Hub.
    private func forward(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) throws(Failure) {
        switch try handlers[route].handle(exchange, context) {
        case .stream: break
        case .response(let response): send(response, exchange, context)
        case .pending(let answer):
            context.task = EventLoop.immediateTask {
                do throws(Failure) {
                    self.send(try await answer(), exchange, context)
                } catch {
                    self.fail(exchange, context, error)
                }
            }
        }
    }

    private func send(_ response: Response, _ exchange: Exchange, _ context: RequestContext) {
        var response = response
        context.crossOrigin?.admit(&response.headers)
        exchange.send(response, id: .own(context.id))
    }

    private func fail(_ exchange: Exchange, _ context: RequestContext, _ failure: Failure) {
        context.sink.take()?.fail(failure)
        exchange.fail(failure, context)
    }

    /// Whatever happened, it is logged and counted.
    private func record(_ exchange: Exchange, _ context: RequestContext, whole: Bool) {
        let microseconds = MonotonicInstant.now.microseconds(since: context.started)
        timeLimit.forget(context)
        log.note(exchange, context, whole: whole, microseconds: microseconds)
        state.metrics.note(exchange, context, whole: whole, microseconds: microseconds)
        state.drainState.ended()
    }
}
