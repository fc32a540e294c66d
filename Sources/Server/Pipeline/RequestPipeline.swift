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
    private var protection: Protection
    private let publicURL: UpstreamAddress?
    private(set) var handlers: Handlers
    private let log: AccessLog
    private let timeLimit: RequestTimeLimit
    private var judgedBody: BodyBounds

    init(_ settings: Settings, upstreams: Upstreams, state: GatewayState, log: AccessLog) {
        self.state = state
        self.log = log
        let console = AdminAccess(settings)
        router = Router(
            basePath: settings.basePath, hasLogins: settings.access == .keys,
            answersProbes: settings.clientProbes == .answer,
            hasConsole: console.isServed)
        trustedOrigins = settings.trustedOrigins
        trustedProxies = settings.trustedProxies
        protection = Protection(settings.protect)
        publicURL = settings.publicURL
        timeLimit = RequestTimeLimit(milliseconds: UInt64(settings.requestTimeout.milliseconds))
        judgedBody = BodyBounds(
            bytes: JudgedBody.longest, milliseconds: UInt64(settings.bodyTimeout.milliseconds))
        handlers = Handlers(settings, upstreams: upstreams, state: state)
    }

    /// Requests under way keep what they began with.
    func use(_ settings: Settings, upstreams: Upstreams) {
        log.isOn = settings.accessLog
        trustedOrigins = settings.trustedOrigins
        trustedProxies = settings.trustedProxies
        protection = Protection(settings.protect)
        judgedBody.milliseconds = UInt64(settings.bodyTimeout.milliseconds)
        timeLimit.milliseconds = UInt64(settings.requestTimeout.milliseconds)
        handlers = Handlers(settings, upstreams: upstreams, state: state)
    }

    /// Serves one request that has come in at a listener of `role`.
    func serve(_ exchange: Exchange, at role: ListenerRole = .only) {
        let client = ClientAddress.of(exchange, trusted: trustedProxies)
        let context = RequestContext(id: .next(), address: client.text, forwardedOrigin: client.origin)
        state.drainState.began()
        timeLimit.watch(context)
        state.tracker?.began(exchange, context)
        context.trace = state.tracer?.begin(exchange.request.headers)
        context.recorder = self
        exchange.owner = context
        // Outside of C's callback that reported the end.
        EventLoop.post { self.run(exchange, context, at: role) }
    }

    /// The phases, in the order of docs/ARCHITECTURE.md. Whatever is thrown becomes the client's response.
    private func run(_ exchange: Exchange, _ context: RequestContext, at role: ListenerRole) {
        do throws(Failure) {
            // Taken once: each access would copy all its reference-counted parts.
            let request = exchange.request
            guard try accept(request, exchange, context) else { return }
            try identify(request, exchange, context)
            let route = try route(request, context, at: role)
            guard try authorize(request, exchange, context, route) else { return }
            try goOn(exchange, context, route)
        } catch {
            fail(exchange, context, error)
        }
    }

    /// Goes on from where the request is allowed.
    private func goOn(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) throws(Failure) {
        try admit(context)
        guard writeDown(exchange, context, route) else { return }
        try ask(exchange, context, route)
    }

    /// Goes on from where the intent is written down.
    func ask(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) throws(Failure) {
        guard try isDebited(exchange, context, route) else { return }
        try askNow(exchange, context, route)
    }

    /// Goes on from where its cost is taken from the key's limits.
    func askNow(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) throws(Failure) {
        try context.confirmKey()
        guard try !lookUp(exchange, context, route) else { return }
        try forward(exchange, context, route)
    }
}

// MARK: the phases

extension RequestPipeline {
    /// Answers a request that the parser has refused, in the same form as all others, and a browser's preflight request. Returns
    /// whether there is more to do.
    private func accept(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext
    ) throws(Failure) -> Bool {
        if let refusal = exchange.refusal { throw Failure(refusal) }
        guard !trustedOrigins.isEmpty else { return true }
        context.crossOrigin = CrossOrigin(request, trustedOrigins)
        guard let response = context.crossOrigin?.preflight(request) else { return true }
        exchange.send(response, id: .own(context.id))
        return false
    }

    /// Identifies the client, and refuses pages of other sites: before the route is found, so that such a page learns nothing about routes.
    private func identify(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext
    ) throws(Failure) {
        context.principal = state.identification.principal(of: request)
        if context.principal.refusal == .missing,
            let principal = state.identification.principal(byCertificateOf: exchange)
        {
            context.principal = principal
        }
        if let key = context.principal.key, let keys = state.identification.keys {
            context.watch(key, by: keys, connection: key.isOfCertificate ? exchange : nil)
        }
        try CrossSite.check(
            request, isAmbient: context.principal.isAmbient, isTrusted: context.crossOrigin?.isNamed == true,
            to: GatewayAddress.origin(
                of: request, forwarded: context.forwardedOrigin, publicURL: publicURL))
    }

    /// Finds what is asked for: an endpoint of ours, or what is relayed.
    private func route(
        _ request: Request, _ context: RequestContext, at role: ListenerRole
    ) throws(Failure) -> Route.Name {
        context.target = try router.target(of: request)
        let route = try router.route(request.method, context.target, at: role)
        context.route = route
        if context.trace != nil, route.isProbe { context.trace = nil }
        return route
    }

    /// Decides whether the request is allowed. Returns false where that depends on the body: then the road goes on when the body is here.
    private func authorize(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext, _ route: Route.Name
    ) throws(Failure) -> Bool {
        let hasKeys = state.identification.access == .keys
        guard hasKeys || protection.isOn else { return true }
        if hasKeys, route.needsKey, context.principal.key == nil {
            let refusal = context.principal.refusal ?? .missing
            state.metrics.add(.keyRefusals, at: MetricLabels.KeyReason(refusal).rawValue)
            auditStranger(request, context)
            // With another certificate the client has to open another connection.
            if case .certificate = refusal { exchange.closeAfterResponse() }
            throw refusal.failure
        }
        // Before the rules are asked and a body is read: refused requests count, too.
        if route.needsKey, let key = context.principal.key { try count(key, request, context) }
        let judgement = ScopeJudgement(protection, state, request, context, route)
        try takeLimits(exchange, context, judgement, route)
        // The handlers of the facade judge their own orders, whose bodies they read.
        guard let judgement else {
            auditOrder(request, context, route)
            return true
        }
        guard exchange.hasBody,
            judgement.needsBody(ofLength: exchange.declaredLength) || needsBodyForTokens(exchange, context, route)
        else {
            try judgement.pass(nil)
            return true
        }
        context.task = EventLoop.immediateTask {
            do throws(Failure) {
                let body = try await exchange.wholeBody(within: self.judgedBody)
                try self.judgement(now: judgement, context, route).pass(body)
                try self.goOn(exchange, context, route)
            } catch {
                self.fail(exchange, context, error)
            }
        }
        return false
    }

    /// The same with the key as it is when the body has come.
    private func judgement(
        now judgement: ScopeJudgement, _ context: RequestContext, _ route: Route.Name
    ) throws(Failure) -> ScopeJudgement {
        do throws(Failure) {
            guard let key = try context.changedKey() else { return judgement }
            context.principal = state.identification.principal(with: key, isAmbient: context.principal.isAmbient)
        } catch {
            if let key = judgement.key { auditRefusal(key, judgement.request, context) }
            throw error
        }
        return ScopeJudgement(protection, state, judgement.request, context, route) ?? judgement
    }

    /// Checks that there is time left. Its turn at the Hub is waited for where a call begins (`CallAdmission`).
    private func admit(_ context: RequestContext) throws(Failure) {
        if context.isCancelled { throw .clientGone }
    }

    /// Calls the handler, which mostly calls the Hub.
    func forward(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) throws(Failure) {
        if context.permit == .writeAccess {
            // What the token is allowed is another question.
            return send(try Response(.ok, json: [:]), exchange, context)
        }
        let endpoint = context.permit == .account ? Route.Name.account : route
        let reply: Reply
        if let deletion = context.deletion {
            reply = handlers.removal.reply(to: deletion, context)
        } else {
            reply = try handlers[endpoint].handle(exchange, context)
        }
        switch reply {
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
        context.change?.apply()
        var response = response
        if let crossOrigin = context.crossOrigin { crossOrigin.admit(&response.headers) }
        guard context.allowance != nil else { return exchange.send(response, id: .own(context.id)) }
        context.release(response.body.count, to: exchange) { [response] in
            exchange.send(response, id: .own(context.id))
        }
    }

    func fail(_ exchange: Exchange, _ context: RequestContext, _ failure: Failure) {
        context.change?.apply()
        context.sink.take()?.fail(failure)
        exchange.fail(failure, context)
    }

}

extension RequestPipeline: RequestRecorder {
    /// Every request is logged and counted, however it ended.
    func record(_ exchange: Exchange, _ context: RequestContext, whole: Bool) {
        let microseconds = MonotonicInstant.now.microseconds(since: context.started)
        timeLimit.forget(context)
        log.note(exchange, context, whole: whole, microseconds: microseconds)
        state.metrics.note(exchange, context, whole: whole, microseconds: microseconds)
        context.endAudit(exchange, whole: whole, microseconds: microseconds)
        context.trace?.end(exchange, context, whole: whole)
        state.usage?.note(exchange, context)
        context.settle(exchange)
        state.tracker?.ended(exchange, context, whole: whole, microseconds: microseconds)
        state.drainState.ended()
    }
}
