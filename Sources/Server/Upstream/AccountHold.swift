internal import Hub

/// Whose token it is, asked at most once in `account_hold` for each credential: the Hub limits this call strictly.
@EventLoop
final class AccountHold {
    private let hub: HubClient
    private let held: Held<String, [UInt8]>

    init(hub: HubClient, for duration: Duration) {
        self.hub = hub
        held = Held(for: duration)
    }

    /// The Hub's JSON, without what is secret in it.
    func whoAmI(_ context: RequestContext) async throws(Failure) -> [UInt8] {
        // In open access all callers are the gateway's token.
        let key = hub.upstream.access == .open ? "" : context.caller.credential?.reveal() ?? ""
        return try await held.value(key) { [hub] () async throws(Failure) -> [UInt8] in
            try await hub.send(WhoAmI(), context)
        }
    }
}
