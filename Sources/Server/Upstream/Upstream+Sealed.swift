internal import Hub

extension Upstream {
    /// Carries a request to where its sealed path leads, and the answer back. No token of the gateway's goes along, whoever asks:
    /// what is sealed is a credential by itself, or leads to Xet's server, where the client shows one of Xet's.
    func relaySealed(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        let original = exchange.request
        let sealed = try sealing.open(context.target, original.method, now: WallClock.now.seconds)
        var request = Request(
            method: original.method, target: .root,
            headers: SealedRequest.headers(of: original, for: sealed.use, isOwn: isOwn))
        let rules =
            sealed.use == .base ? RewrittenBodies.rulesOfXet(for: original.method, original.target) : nil
        if rules != nil { request.headers.set("Accept-Encoding", "identity") }
        let rewrite = rewrite(for: original)
        let relay = Relay(to: exchange, context) { head throws(Failure) in
            context.hubRequestID = head.headers["X-Request-Id"]
            return try self.course(try rewrite.redirected(head, sealed.use), rules, by: rewrite)
        }
        let streamsBody = exchange.hasBody && !original.method.isSafe
        try await carry(request, nil, to: sealed.whole, body: streamsBody, on: exchange, by: relay)
    }
}

extension Rewrite {
    /// A store that sends a reader on to another one stays hidden behind the gateway.
    /// Throws `hubBroken` for a redirect to where the client would be led out of here.
    fileprivate func redirected(_ head: Transfer.Head, _ use: Seal.Use) throws(Failure) -> Transfer.Head {
        guard let location = head.headers["Location"], [301, 302, 303, 307, 308].contains(head.status.code) else {
            return head
        }
        guard use == .read, ContentHosts.host(of: location) != nil else {
            throw .hubBroken("its store redirects a call that cannot be redirected")
        }
        var head = head
        head.headers.set("Location", try sealed(location, .read))
        return head
    }
}
