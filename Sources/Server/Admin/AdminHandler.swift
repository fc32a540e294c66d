import EventIO
import HTTP
import Hub

/// Answers what is asked below `/-/api/`: for administrators, in JSON.
struct AdminHandler: Handler {
    let services: AdminServices

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let request = exchange.request
        if case .off = services.access { throw .notFound("endpoint \(context.target.loggable)") }
        let call = try AdminRoutes.find(request.method, context.target, hasKeys: services.state.keys != nil)
        context.task = EventLoop.immediateTask {
            do throws(Failure) {
                try await answer(call, exchange, context)
            } catch {
                fail(exchange, context, error)
            }
        }
        return .stream
    }

    private func answer(_ call: AdminCall, _ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        let request = exchange.request
        var query = try AdminServices.query(context.target, call.route)
        switch call.route.name {
        case .signIn: return send(try await services.signIn(exchange, context), exchange, context)
        case .signOut: return send(try await services.signOut(request, context), exchange, context)
        default: break
        }
        let caller = try await services.caller(request, exchange.peer, context)
        if call.route.name == .events {
            return try FigureStream.begin(exchange, context, services, caller)
        }
        let result: JSON
        switch call.route.name {
        case .session: result = services.session(caller)
        case .status: result = try await services.status(caller, context)
        case .settings: result = services.allSettings
        case .figures: result = services.figures
        case .requests: result = services.underWay
        case .recentRequests: result = services.recent
        case .cancelRequest: result = try await services.cancel(call.parameters[0], caller, context)
        case .keys: result = try await services.keys(query, caller, context)
        case .key: result = try await services.key(call.parameters[0], caller, context)
        case .createKey: result = try await services.create(exchange, caller, context)
        case .editKey: result = try await services.edit(call.parameters[0], exchange, caller, context)
        case .rotateKey: result = try await services.rotate(call.parameters[0], exchange, caller, context)
        case .revokeKey: result = try await services.revoke(call.parameters[0], caller, context)
        case .roles: result = services.allRoles
        case .explain: result = try await services.explain(exchange, caller, context)
        case .audit: result = try await services.audit(&query, caller, context)
        case .verifyAudit: result = try await services.verify(query, caller, context)
        case .pulls: result = try await services.pulls()
        case .pull: result = try await services.pull(exchange, caller, context)
        case .cancelPull: result = try await services.cancelPull(call.parameters[0], caller, context)
        case .pin: result = try await services.pin(exchange, caller, context)
        case .unpin: result = try await services.unpin(exchange, caller, context)
        case .reload: result = try await services.reload(caller, context)
        case .drain: result = try await services.drain(caller, context)
        case .usage: result = try await services.usage(query, caller, context)
        case .budget: result = services.budget
        case .cache: result = services.cache
        case .purgeCache: result = try await services.purge(exchange, caller, context)
        case .keptFiles: result = try await services.keptFiles(query)
        case .removeFile: result = try await services.removeFile(call.parameters[0], caller, context)
        case .signIn, .signOut, .events: result = .null
        }
        var response = try Response(Status(call.route.status), json: result)
        response.body.append(UInt8(ascii: "\n"))
        send(response, exchange, context)
    }

    private func send(_ response: Response, _ exchange: Exchange, _ context: RequestContext) {
        var response = response
        Self.guardDocument(&response.headers)
        context.crossOrigin?.admit(&response.headers)
        exchange.send(response, id: .own(context.id))
    }

    /// The challenge is `Bearer`, so that no browser asks for a password: users sign in on the console.
    private func fail(_ exchange: Exchange, _ context: RequestContext, _ failure: Failure) {
        guard case .unidentified = failure.kind, exchange.canAnswer else { return exchange.fail(failure, context) }
        context.failure = failure
        var response = failure.response(to: exchange.request, id: context.id)
        response.headers.set("WWW-Authenticate", #"Bearer realm="hubgate""#)
        response.headers.set("X-Error-Message", failure.detail)
        Self.guardDocument(&response.headers)
        exchange.send(response)
    }

    /// The content may hold a stranger's text: a browser neither shows it as a page nor keeps it.
    private static func guardDocument(_ headers: inout Headers) {
        headers.set("Cache-Control", "no-store")
        headers.set("X-Content-Type-Options", "nosniff")
        headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
        headers.set("Cross-Origin-Resource-Policy", "same-origin")
    }
}
