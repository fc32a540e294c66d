internal import Hub

/// Whether the Hub can be reached, and as whom: for readiness and the home page. Cheap, because the answers are held.
@EventLoop
final class HubProbe {
    private let upstream: Upstream
    private let account: AccountHold
    private let reached = Held<String, Bool>(for: .seconds(10))

    init(upstream: Upstream, account: AccountHold) {
        self.upstream = upstream
        self.account = account
    }

    /// The name of the token's owner; nil in passthrough access, where each caller has their own.
    func probe(_ context: RequestContext) async throws(Failure) -> String? {
        switch upstream.access {
        case .open:
            return try JSON.parse(try await account.whoAmI(context), within: .account)["name"]?.stringValue ?? "?"
        case .passthrough:
            _ = try await reached.value("") { [upstream] () async throws(Failure) -> Bool in
                let anonymous = RequestContext(id: .next(), caller: Caller(address: "", credential: nil))
                let request = Request(method: .get, target: try Target("/api/models?limit=1"))
                let answer = try await upstream.send(request, anonymous, limit: JSONLimits.reply.bytes)
                guard answer.status.code < 500 else {
                    throw .hubAnswered(HubRefusal(status: answer.status, headers: answer.headers, body: answer.body))
                }
                return true
            }
            return nil
        }
    }
}
