internal import Hub

extension Upstream {
    /// Sends a client's request on and streams the answer back. Throws only while nothing of an answer has gone out.
    ///
    /// A redirect to where a file's bytes are is followed here, without any credential; all else that leads to the Hub is
    /// turned so that it leads here.
    func relay(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        let original = exchange.request
        var request = original
        request.headers = EndToEndHeaders.upstream(request.headers)
        let rewritesBody = RewrittenBodies.contains(request)
        if rewritesBody {
            // What is compressed cannot be rewritten as it goes by.
            request.headers.remove("Accept-Encoding")
        }
        let credential = try credential(for: context.caller)
        var hop: Result<ContentHop?, Failure> = .success(nil)
        let relay = Relay(to: exchange, context) { head in
            context.hubRequestID = head.headers["X-Request-Id"]
            hop = self.hop(head, of: original)
            guard case .success(nil) = hop else { return .drop }
            guard rewritesBody || Rewrite.concerns(head.headers) else { return .pass(head) }
            let rewrite = Rewrite(hub: self.base, gateway: original.headers["Host"].map { "https://\($0)" } ?? "")
            var head = head
            rewrite.apply(to: &head.headers)
            return rewritesBody && RewrittenBodies.fits(head)
                ? .rewrite(head, URLReplacer(hub: rewrite.hub, gateway: rewrite.gateway)) : .pass(head)
        }
        try await carry(
            request, credential, to: base + request.target.pathAndQuery, body: exchange.hasBody, on: exchange, by: relay
        )
        if let hop = try hop.get() {
            try await follow(hop, exchange, context)
        }
    }

    private func hop(_ head: Transfer.Head, of request: Request) -> Result<ContentHop?, Failure> {
        do throws(Failure) {
            return .success(try ContentHop(head, of: request, hosts: contentHosts))
        } catch {
            return .failure(error)
        }
    }

    /// Answers with the content that the Hub has redirected to.
    private func follow(_ hop: ContentHop, _ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        if exchange.request.method == .head, let head = hop.headAnswer {
            exchange.start(
                head.status, headers: EndToEndHeaders.downstream(head.headers), id: .beside(context.id),
                length: head.contentLength)
            return exchange.finish()
        }
        var refusal: Failure?
        let relay = Relay(to: exchange, context) { content in
            guard [200, 206, 304, 416].contains(content.status.code) else {
                refusal = .hubBroken("the store of its files answered \(content.status.code)")
                return .drop
            }
            return .pass(hop.joined(content))
        }
        try await carry(try hop.request(for: exchange.request), nil, to: hop.url, body: false, on: exchange, by: relay)
        if let refusal { throw refusal }
    }

    /// Makes one call and lets `relay` answer by it; the client's body goes along if `streamsBody` says so.
    private func carry(
        _ request: Request, _ credential: Secret?, to url: String, body streamsBody: Bool, on exchange: Exchange,
        by relay: Relay
    ) async throws(Failure) {
        defer { relay.noteTime() }
        let transfer = pool.start(
            request, url: url, credential: credential, limits: limits,
            stream: streamsBody ? TransferPool.Stream(length: exchange.declaredLength) : nil, sink: relay)
        relay.transfer = transfer
        relay.context.transfer = transfer
        let upload = streamsBody ? UploadPump(from: exchange, to: transfer) : nil
        if let upload {
            exchange.stream(into: upload)
        }
        do throws(Failure) {
            await transfer.headOrEnd()
            exchange.flushHead()
            try await transfer.ended()
        } catch {
            throw upload?.failure ?? error
        }
        relay.finish()
    }
}
