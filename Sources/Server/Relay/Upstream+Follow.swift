import HTTP
import EventIO
import Hub

extension Upstream {
    /// Statuses by which a store says that a URL is signed for another method than HEAD, or that it knows no HEAD.
    static let refusesHead = [403, 405, 501]
    /// Statuses of a store that the client may see: content, and results of the client's conditions and ranges.
    private static let contentStatuses = [200, 206, 304, 412, 416]

    /// The action after the Hub's redirect to content: a call for its bytes, unless the redirect itself says enough.
    func follow(
        _ hop: FileRedirect, _ exchange: Exchange, _ context: RequestContext, mayAskAnew: Bool
    ) throws(Failure) -> RelayAction {
        guard var head = hop.answerAtOnce(to: context.sink?.asked ?? exchange.request) else {
            if let action = try kept(hop, exchange, context, mayAskAnew: mayAskAnew) { return action }
            return .call(try contentCall(hop, exchange, context, mayAskAnew: mayAskAnew))
        }
        try lead(&head, by: rewrite(for: exchange.request, context))
        return .answer(head)
    }

    /// A call to the store.
    func contentCall(
        _ hop: FileRedirect, _ exchange: Exchange, _ context: RequestContext, mayAskAnew: Bool
    ) throws(Failure) -> RelayedCall {
        RelayedCall(
            request: try hop.request(for: context.sink?.asked ?? exchange.request), url: hop.url, limits: limits,
            server: .store
        ) { content throws(Failure) in
            // The store may forbid keeping it, too. Where the store fails, the gateway answers with an error.
            if content.status.isSuccess { _ = context.sink?.replaces(content, led: content.headers) }
            let code = content.status.code
            if let onward = try hop.onward(content, hosts: self.signedURLs.hosts) {
                return .call(try self.contentCall(onward, exchange, context, mayAskAnew: mayAskAnew))
            }
            if hop.method == .head, Self.refusesHead.contains(code) {
                return .call(try self.contentCall(hop.byGet, exchange, context, mayAskAnew: mayAskAnew))
            }
            // A signed URL expires, and the Hub may have cached it for too long.
            if code == 403, mayAskAnew { return .call(try self.call(for: exchange, context, isSecond: true)) }
            guard Self.contentStatuses.contains(code) else {
                throw [408, 429].contains(code) || code >= 500
                    ? .storeAnswered(content.status, content.headers)
                    : .hubBroken("the store of its files answered \(code)")
            }
            var head = hop.joined(content)
            try self.lead(&head, by: self.rewrite(for: exchange.request, context))
            if content.status.isSuccess, exchange.request.looksForLocation {
                head.headers.set("Location", self.basePath + context.target.pathAndQuery)
                // The response is for this client alone: other requests that wait make their own calls, and nothing is kept.
                context.sink.take()?.fail(nil)
            }
            return .pass(head)
        }
    }
}

extension Request {
    /// Some versions of ollama ask for a file's address and do not accept the file itself: they are told that its address is here.
    var looksForLocation: Bool { headers["User-Agent"]?.hasPrefix("ollama/") ?? false }
}

extension Failure {
    /// The store of a file refused it, and may give it later: the client's own retries need the status unchanged.
    fileprivate static func storeAnswered(_ status: Status, _ headers: Headers) -> Failure {
        let refusal = HubRefusal(status: status, headers: headers, body: [])
        return .hubAnswered(
            HubRefusal(
                status: status, message: "The store of the Hub's files answered \(status). Try again later.",
                headers: refusal.headers))
    }
}
