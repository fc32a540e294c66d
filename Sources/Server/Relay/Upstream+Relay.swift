import EventIO
import HTTP
import Hub

extension Upstream {
    /// Relays a client's request and streams the response back, by callbacks from here on. Throws while nothing has been sent.
    ///
    /// A redirect to a file's bytes is followed, without any credential; every other URL of the Hub is
    /// rewritten so that it leads here.
    func relay(_ exchange: Exchange, _ context: RequestContext) throws(Failure) {
        do throws(Failure) {
            if let files, try answer(from: files, exchange, context) { return }
            start(try call(for: exchange, context), exchange, context)
        } catch {
            throw error.at(server)
        }
    }

    func start(_ call: RelayedCall, _ exchange: Exchange, _ context: RequestContext) {
        let driver = RelayDriver(call, exchange, context, pool: pool, admission: admission, broker: broker)
        if isOff { driver.fail(offFailure(exchange, context)) } else { driver.start() }
    }

    /// Asks the Hub again for the response that the client of `exchange` got already: for later requests.
    func revalidate(_ exchange: Exchange, _ context: RequestContext) {
        guard !isOff, let call = try? call(for: exchange, context) else {
            context.sink?.fail(nil)
            return
        }
        RelayDriver(
            call, exchange, context, pool: pool, admission: admission, broker: broker, isDetached: true
        ).start()
    }

    /// The call that answers a client's request. `isSecond`: the Hub is asked for another URL, because the first one has expired.
    func call(
        for exchange: Exchange, _ context: RequestContext, isSecond: Bool = false
    ) throws(Failure) -> RelayedCall {
        guard !exchange.request.wantsWebSocket else { throw .noWebSocket }
        let isFiltered = context.entryFilter != nil
        let (request, rules, needsPlain) = try question(for: exchange, context, isFiltered: isFiltered)
        let target = request.target.pathAndQuery
        let file = files?.resolved.question(exchange.request, context)
        let call = RelayedCall(
            request: request, url: base, target: target, credential: isOff ? nil : try context.principal.credential,
            limits: limits, server: server, sendsBody: exchange.hasBody && context.body == nil && !isSecond,
            eventSilence: eventSilence
        ) { head throws(Failure) in
            context.hubRequestID = head.headers["X-Request-Id"]
            if try self.leadsToTrash(head) { throw .repositoryGone }
            if try self.isReplaced(head, exchange, context) { return .kept }
            if let file, let action = self.note(head, file, exchange, context) { return action }
            if head.status.code >= 500 || head.status == .tooManyRequests,
                let answer = self.held(
                    exchange, context, body: nil,
                    instead: .hubAnswered(HubRefusal(status: head.status, headers: head.headers, body: [])))
            {
                return .handOver(answer)
            }
            if head.headers.contains("Location"),
                let found = try FileRedirect(
                    head, of: context.sink?.asked ?? exchange.request, hosts: self.signedURLs.hosts)
            {
                return try self.follow(found, exchange, context, mayAskAnew: !isSecond)
            }
            guard isFiltered, head.status.isSuccess else {
                return try self.action(
                    head, rules, isPlain: needsPlain, by: self.rewrite(for: exchange.request, context))
            }
            return try self.filtered(head, rules ?? [], by: self.rewrite(for: exchange.request, context))
        }
        if files != nil {
            call.standIn = { [unowned call] failure in
                if let file, exchange.request.method == .get,
                    let answer = self.standIn(file, exchange, context, instead: failure)
                {
                    return answer
                }
                return self.held(exchange, context, body: call.body, instead: failure)
            }
        }
        return call
    }

    /// The request to the Hub, the rules for its JSON, and whether the response was requested whole and not compressed.
    private func question(
        for exchange: Exchange, _ context: RequestContext, isFiltered: Bool
    ) throws(Failure) -> (request: Request, rules: [JSONFieldRule]?, isPlain: Bool) {
        var request = self.request(for: exchange, context)
        let xet = xet.view(of: request.target)
        if xet == .hide { try HiddenXet.prepare(&request, instead: self.xet.refusal) }
        if let body = context.body { request.body = body }
        let rules = RewrittenBodies.rules(for: request, xet)
        let needsPlain =
            isFiltered || rules != nil && (isStrict || RewrittenBodies.areExpected(at: request.target))
        if needsPlain {
            // Compressed content cannot be rewritten as it comes.
            request.headers.set("Accept-Encoding", "identity")
            // Nor can a part, which may begin inside a URL.
            request.headers.remove("Range")
        }
        // Compressed content does not show how many tokens it took.
        if server == .inferenceRouter, context.spender != nil { request.headers.set("Accept-Encoding", "identity") }
        if let billTo {
            request.headers.set("X-HF-Bill-To", billTo)
        }
        context.sink?.prepare(&request.headers)
        return (request, rules, needsPlain)
    }

    /// The request to the Hub, before anything is changed for the sake of the response.
    private func request(for exchange: Exchange, _ context: RequestContext) -> Request {
        var headers = exchange.request.headers
        if let sink = context.sink, sink.judgesConditions { headers = sink.asked.headers }
        return Request(
            method: exchange.request.method, target: context.target, headers: EndToEndHeaders.upstream(headers))
    }

    /// Whether the kept response answers instead of this one. The fields of a 304 update those of the kept response, rewritten like any other's.
    private func isReplaced(
        _ head: Transfer.Head, _ exchange: Exchange, _ context: RequestContext
    ) throws(Failure) -> Bool {
        guard let sink = context.sink else { return false }
        guard head.status == .notModified else { return sink.replaces(head, led: head.headers) }
        var led = head
        try lead(&led, by: rewrite(for: exchange.request, context))
        return sink.replaces(head, led: RelayedDocument.headers(of: led))
    }

    /// A list goes out without entries that the key may not see, or that no client may.
    private func filtered(
        _ head: Transfer.Head, _ rules: [JSONFieldRule], by rewrite: @escaping @EventLoop @autoclosure () -> Rewrite
    ) throws(Failure) -> RelayAction {
        guard case .rewrite(let head, _, let make) = try action(head, rules, isPlain: true, by: rewrite()) else {
            throw .hubBroken("its list is no JSON")
        }
        var shown = head
        // This count includes entries that are left out.
        shown.headers.remove("X-Total-Count")
        return .rewrite(shown, onlyURLs: false, by: make)
    }

    /// Rewrites URLs of the Hub or its stores so that they lead to the gateway's address as this client knows it.
    /// `key`: the key for which URLs are signed, where the request itself does not show one.
    func rewrite(for request: Request, _ context: RequestContext, key: KeyMark? = nil) -> Rewrite {
        let origin = GatewayAddress.origin(of: request, forwarded: context.forwardedOrigin, publicURL: publicURL) ?? ""
        return Rewrite(
            hub: base, gateway: origin + basePath,
            signedURLs: signedURLs, xet: xet.view(of: context.target), key: key ?? context.principal.key?.mark,
            namesObjects: files != nil, now: WallClock.now.seconds)
    }

    /// The action for a response of the Hub's, or of Xet's server: its fields are rewritten, and its JSON by `rules`. `isPlain`: it was requested
    /// whole and not compressed.
    func action(
        _ head: Transfer.Head, _ rules: [JSONFieldRule]?, isPlain: Bool,
        by rewrite: @escaping @EventLoop @autoclosure () -> Rewrite
    ) throws(Failure) -> RelayAction {
        var head = head
        if Rewrite.concerns(head.headers) || LeakDetector.concerns(head.headers) { try lead(&head, by: rewrite()) }
        guard let rules, try RewrittenBodies.fits(head, isPlain: isPlain) else { return .pass(head) }
        return .rewrite(head, onlyURLs: JSONFieldRule.areOfURLs(rules)) {
            let rewrite = rewrite()
            let authored = AuthoredURLs()
            let rewriter = JSONRewriter(rules) { (url, change) throws(Failure) in
                let replacement = try rewrite.replacement(for: url, change)
                if replacement == nil, case .authored = change { authored.note(url) }
                return replacement
            }
            return (rewriter, self.scanner(gateway: rewrite.gateway, authored))
        }
    }

    /// Rewrites URLs of the Hub in a head, and checks that none is left that leads away.
    func lead(_ head: inout Transfer.Head, by rewrite: Rewrite) throws(Failure) {
        try rewrite.apply(to: &head.headers)
        try check(head.headers, gateway: rewrite.gateway)
    }
}

extension Request {
    /// RFC 6455 section 4.1. An offer without a key is incomplete, and is dropped as any other (RFC 9110 section 7.8).
    fileprivate var wantsWebSocket: Bool {
        headers.contains("Sec-WebSocket-Key") && headers.mentions("websocket", in: "Upgrade")
    }
}

extension Failure {
    /// WebSockets are not relayed.
    fileprivate static var noWebSocket: Failure {
        Failure(
            .refused(.notImplemented, rule: "web-socket"),
            detail:
                "This gateway relays no WebSockets. Use plain requests; what comes bit by bit comes as text/event-stream."
        )
    }
}
