import EventIO
import HTTP
import Hub

extension Upstream {
    /// Sends a client's request on and streams the response back. Throws only while nothing of a response has gone out.
    ///
    /// A redirect to where a file's bytes are is followed here, without any credential; all else that leads to the Hub is
    /// turned so that it leads here.
    func relay(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        let call = try call(for: exchange, context)
        try await carry(
            call.request, call.credential, to: call.url, body: exchange.hasBody, on: exchange, by: call.relay)
        if let hop = call.relay.hop {
            try await follow(hop, exchange, context)
        }
    }

    /// What the Hub is asked for a client, and what becomes of its response.
    struct RelayedCall {
        let request: Request
        let url: String
        let credential: Credential?
        let relay: Relay
    }

    /// The call that answers a client's request, before it is made.
    func call(for exchange: Exchange, _ context: RequestContext) throws(Failure) -> RelayedCall {
        guard !exchange.request.wantsWebSocket else { throw .noWebSocket }
        var request = exchange.request
        request.target = context.target
        request.headers = EndToEndHeaders.upstream(request.headers)
        if xet == .hide { try HiddenXet.prepare(&request) }
        let rules = RewrittenBodies.rules(for: request, xet)
        let needsPlain = rules != nil && (isStrict || RewrittenBodies.areExpected(at: request.target))
        if needsPlain {
            // What is compressed cannot be rewritten as it goes by.
            request.headers.set("Accept-Encoding", "identity")
            // Nor a part, which may begin inside a URL.
            request.headers.remove("Range")
        }
        if let billTo {
            request.headers.set("X-HF-Bill-To", billTo)
        }
        let credential = try credential(for: context.caller)
        let relay = Relay(to: exchange, context) { head throws(Failure) in
            context.hubRequestID = head.headers["X-Request-Id"]
            if let found = try FileRedirect(head, of: exchange.request, hosts: self.signedURLs.hosts) {
                return .follow(found)
            }
            return try self.course(
                head, rules, isPlain: needsPlain, by: self.rewrite(for: exchange.request, context.caller))
        }
        return RelayedCall(
            request: request, url: base + request.target.pathAndQuery, credential: credential, relay: relay)
    }

    /// What leads to the Hub or its stores leads where this client has found the gateway.
    func rewrite(for request: Request, _ caller: Caller) -> Rewrite {
        let origin = GatewayAddress.origin(of: request, by: caller, publicURL: publicURL) ?? ""
        return Rewrite(
            hub: base, gateway: origin + basePath,
            signedURLs: signedURLs, xet: xet, now: WallClock.now.seconds)
    }

    /// What becomes of a response of the Hub's, or of Xet's server: with its fields rewritten, and by `rules` its JSON. `isPlain`: it was asked for
    /// whole and not compressed.
    func course(
        _ head: Transfer.Head, _ rules: [JSONFieldRule]?, isPlain: Bool,
        by rewrite: @escaping @EventLoop @autoclosure () -> Rewrite
    ) throws(Failure) -> Relay.Action {
        var head = head
        if Rewrite.concerns(head.headers) || LeakDetector.concerns(head.headers) { try lead(&head, by: rewrite()) }
        guard let rules, try RewrittenBodies.fits(head, isPlain: isPlain) else { return .pass(head) }
        return .rewrite(head, onlyURLs: rules.allSatisfy(\.path.isEmpty)) {
            let rewrite = rewrite()
            let rewriter = JSONRewriter(rules) { (url, change) throws(Failure) in
                try rewrite.replacement(for: url, change)
            }
            return (rewriter, self.scanner(gateway: rewrite.gateway))
        }
    }

    /// Turns what leads to the Hub, and looks whether something is left that leads away.
    func lead(_ head: inout Transfer.Head, by rewrite: Rewrite) throws(Failure) {
        try rewrite.apply(to: &head.headers)
        try check(head.headers, gateway: rewrite.gateway)
    }

    /// Makes one call and lets `relay` answer by it; the client's body goes along if `streamsBody` says so.
    func carry(
        _ request: Request, _ credential: Credential?, to url: String, body streamsBody: Bool, on exchange: Exchange,
        by relay: Relay
    ) async throws(Failure) {
        defer { relay.noteTime() }
        let upload = streamsBody ? UploadPump(from: exchange) : nil
        try await upload?.begun(relay.context)
        let place = try await admission.enter(relay.context)
        relay.place = place
        let transfer = pool.start(
            request, url: url, authorization: credential?.authorization, limits: limits,
            stream: streamsBody ? TransferPool.Stream(length: exchange.declaredLength) : nil, sink: relay)
        relay.transfer = transfer
        relay.context.transfer = transfer
        upload?.go(on: transfer, at: place)
        var outcome: Result<Void, Failure> = .success(())
        do throws(TransferError) {
            await transfer.headOrEnd()
            if relay.sendsHeadAtOnce { exchange.flushHead() }
            try await transfer.ended()
        } catch {
            outcome = .failure(Failure(error))
        }
        try relay.settle(outcome, uploadFailure: upload?.failure)
    }

    /// Makes a call without a body; its relay's `onEnd` tells of the end.
    func start(_ call: RelayedCall, _ context: RequestContext) {
        if let place = admission.begin(context) { return start(call, context, at: place) }
        admission.wait(context) { result in
            switch result {
            case .success(let place): self.start(call, context, at: place)
            case .failure(let failure): call.relay.finished(.failure(failure))
            }
        }
    }

    private func start(_ call: RelayedCall, _ context: RequestContext, at place: CallPlace) {
        call.relay.place = place
        let transfer = pool.start(
            call.request, url: call.url, authorization: call.credential?.authorization, limits: limits, sink: call.relay
        )
        call.relay.transfer = transfer
        context.transfer = transfer
    }
}

extension Request {
    /// RFC 6455 section 4.1. An offer without a key is none, and is left out as any other (RFC 9110 section 7.8).
    fileprivate var wantsWebSocket: Bool {
        headers.contains("Sec-WebSocket-Key") && headers.mentions("websocket", in: "Upgrade")
    }
}
