internal import Hub

/// Owns the parts and serves requests.
@EventLoop
final class Gateway {
    let lifecycle = Lifecycle()
    private var access: Access
    private let router: Router
    private var handlers: [Route.Name: any Handler]
    private let log: AccessLog
    private let metrics: Metrics
    /// 0: no limit.
    private var requestMilliseconds: UInt64

    init(settings: Settings, upstreams: Upstreams, log: AccessLog, metrics: Metrics) {
        self.log = log
        self.metrics = metrics
        router = Router(basePath: settings.basePath)
        access = settings.access
        requestMilliseconds = UInt64(settings.requestTimeout.milliseconds)
        handlers = Handlers.all(settings: settings, upstreams: upstreams, lifecycle: lifecycle, metrics: metrics)
    }

    /// Requests in flight go on with what they have.
    func use(_ settings: Settings, upstreams: Upstreams) {
        log.isOn = settings.accessLog
        access = settings.access
        requestMilliseconds = UInt64(settings.requestTimeout.milliseconds)
        handlers = Handlers.all(settings: settings, upstreams: upstreams, lifecycle: lifecycle, metrics: metrics)
    }

    /// Serves one request, from its arrival to its line in the log.
    func serve(_ exchange: Exchange, at entrance: Entrance = .only) {
        let context = RequestContext(id: .next(), caller: Caller(exchange, access))
        lifecycle.began()
        exchange.onDone = { whole in
            context.limit = nil
            self.log.note(exchange, context, whole: whole)
            self.metrics.note(exchange, context, whole: whole)
            self.lifecycle.ended()
        }
        let task = EventLoop.task { await self.answer(exchange, context, at: entrance) }
        exchange.onGone = { task.cancel() }
        if requestMilliseconds > 0 {
            context.limit = Timer {
                context.isOverdue = true
                task.cancel()
            }
            context.limit?.start(milliseconds: requestMilliseconds)
        }
    }

    private func answer(_ exchange: Exchange, _ context: RequestContext, at entrance: Entrance) async {
        do throws(Failure) {
            if let refusal = exchange.refusal { throw refusal }
            if access == .open, CrossSite.sent(exchange.request) { throw .crossSite }
            context.target = try router.target(of: exchange.request, at: entrance)
            let route = try router.route(exchange.request.method, context.target, at: entrance)
            context.route = route
            guard let handler = handlers[route] else { throw .internalError("no handler for \(route)") }
            try await handler.serve(exchange, context)
        } catch {
            fail(exchange, context.isOverdue ? .overdue : error, context)
        }
    }

    private func fail(_ exchange: Exchange, _ failure: Failure, _ context: RequestContext) {
        context.failure = failure
        guard exchange.canAnswer, failure.kind != .clientGone else {
            // The head has said that all is well: the only honest end is a connection that breaks.
            return exchange.abort()
        }
        exchange.send(failure.response(to: exchange.request, id: context.id))
    }
}
