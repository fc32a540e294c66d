import HTTP
import EventIO
import Hub

extension Upstream {
    /// Statuses by which a store says that a URL is signed for another method than HEAD, or that it knows no HEAD.
    static let refusesHead = [403, 405, 501]
    /// What a store may answer for the client to see: content, and what follows from the client's conditions and ranges.
    private static let contentStatuses = [200, 206, 304, 412, 416]

    /// Answers with the content that the Hub has redirected to.
    func follow(_ first: FileRedirect, _ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        var hop = first
        while let next = try await step(hop, exchange, context) { hop = next }
    }

    /// One call: to the store, or to the Hub for a new URL. Returns the next step; nil when all is answered.
    private func step(
        _ hop: FileRedirect, _ exchange: Exchange, _ context: RequestContext
    ) async throws(Failure) -> FileRedirect? {
        let rewrite = rewrite(for: exchange.request, context.caller)
        if var head = hop.answerAtOnce(to: exchange.request) {
            try lead(&head, by: rewrite)
            exchange.start(
                head.status, headers: RelayedDocument.headers(of: head), id: .beside(context.id),
                length: head.contentLength)
            exchange.finish()
            return nil
        }
        let relay = Relay(to: exchange, context) { content throws(Failure) in
            try self.course(content, of: hop, for: exchange, by: rewrite)
        }
        try await carry(try hop.request(for: exchange.request), nil, to: hop.url, body: false, on: exchange, by: relay)
        return relay.asksAgain ? try await anew(exchange, context) : relay.hop
    }

    /// What becomes of the store's response.
    private func course(
        _ content: Transfer.Head, of hop: FileRedirect, for exchange: Exchange, by rewrite: Rewrite
    ) throws(Failure) -> Relay.Action {
        let code = content.status.code
        if let onward = try hop.onward(content, hosts: signedURLs.hosts) { return .follow(onward) }
        if hop.method == .head, Self.refusesHead.contains(code) { return .follow(hop.byGet) }
        // A URL that is signed ends, and the Hub may have kept it for too long.
        if code == 403, hop.mayAskAnew, !exchange.hasBody { return .askAgain }
        guard Self.contentStatuses.contains(code) else {
            throw [408, 429].contains(code) || code >= 500
                ? .storeAnswered(content.status, content.headers)
                : .hubBroken("the store of its files answered \(code)")
        }
        var head = hop.joined(content)
        try lead(&head, by: rewrite)
        return .pass(head)
    }

    /// Asks the Hub once more. Nil when it has answered in another way than by a redirect to content.
    private func anew(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) -> FileRedirect? {
        let call = try call(for: exchange, context)
        try await carry(call.request, call.credential, to: call.url, body: false, on: exchange, by: call.relay)
        var hop = call.relay.hop
        hop?.mayAskAnew = false
        return hop
    }
}
