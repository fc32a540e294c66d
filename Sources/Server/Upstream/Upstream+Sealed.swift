internal import Hub

extension Upstream {
    /// Carries a request to where its sealed path leads, and the answer back. No token of the gateway's goes along, whoever asks:
    /// what is sealed is a credential by itself, or leads to Xet's server, where the client shows one of Xet's.
    func relaySealed(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        let original = exchange.request
        let sealed = try sealing.open(context.target, original.method, now: WallClock.now.seconds)
        guard try await ask(sealed, by: original.method, exchange, context) else { return }
        // Signed for GET, so refused to HEAD. The relay stops it when its head is there.
        _ = try await ask(sealed, by: .get, exchange, context)
    }

    /// Returns whether nothing is answered yet, because the store takes no HEAD.
    private func ask(
        _ sealed: Seal.Opened, by method: Method, _ exchange: Exchange, _ context: RequestContext
    ) async throws(Failure) -> Bool {
        let original = exchange.request
        var request = Request(
            method: method, target: .root,
            headers: SealedRequest.headers(of: original, for: sealed.use, isOwn: isOwn))
        if let billTo {
            // The end of an upload is the Hub's; to Xet's server a client's word on it must not pass either.
            request.headers.remove("X-HF-Bill-To")
            if sealed.use == .complete { request.headers.set("X-HF-Bill-To", billTo) }
        }
        let rules =
            sealed.use == .base ? RewrittenBodies.rulesOfXet(for: original.method, context.target) : nil
        if rules != nil { request.headers.set("Accept-Encoding", "identity") }
        let rewrite = rewrite(for: original)
        let relay = Relay(to: exchange, context) { head throws(Failure) in
            context.hubRequestID = head.headers["X-Request-Id"]
            if method == .head, sealed.use == .read, Self.refusesHead.contains(head.status.code) { return .askAgain }
            return try self.course(
                try rewrite.redirected(head, from: sealed), rules, isPlain: true, by: rewrite)
        }
        let streamsBody = exchange.hasBody && !original.method.isSafe
        try await carry(request, nil, to: sealed.whole, body: streamsBody, on: exchange, by: relay)
        return relay.asksAgain
    }
}

extension Rewrite {
    /// A store that sends a reader on to another one stays hidden behind the gateway.
    /// Throws `hubBroken` for a redirect to where the client would be led out of here.
    fileprivate func redirected(_ head: Transfer.Head, from opened: Seal.Opened) throws(Failure) -> Transfer.Head {
        guard let location = try head.location, head.status.isRedirect else { return head }
        guard opened.use == .read, head.isFollowed, let target = ContentHosts.resolved(location, from: opened.url)
        else {
            throw .hubBroken("its store redirects a call that cannot be redirected")
        }
        var head = head
        head.headers.set("Location", try sealed(target, .read))
        return head
    }
}
