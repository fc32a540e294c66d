internal import Hub

/// Whose token it is, asked at most once in `account_hold` for each credential: the Hub limits this call strictly.
@EventLoop
final class AccountHold {
    private let hub: HubClient
    private let held: Held<Credential?, [UInt8]>

    init(hub: HubClient, for duration: Duration) {
        self.hub = hub
        held = Held(for: duration)
    }

    /// The same as `whoAmI`, if it is held; else nil.
    func atHand(_ context: RequestContext) throws(Failure) -> [UInt8]? {
        try held.atHand(key(context))
    }

    /// In open access all callers are the gateway's token.
    private func key(_ context: RequestContext) -> Credential? {
        hub.upstream.access == .open ? nil : context.caller.credential
    }

    /// The Hub's JSON, without what is secret in it.
    func whoAmI(_ context: RequestContext) async throws(Failure) -> [UInt8] {
        try await held.value(key(context)) { [hub] () async throws(Failure) -> [UInt8] in
            // Others wait for it too: whoever asked first must not take it along when they leave.
            let own = RequestContext(id: context.id, caller: context.caller)
            defer {
                context.hubRequestID = own.hubRequestID
                context.upstreamMicroseconds = own.upstreamMicroseconds
            }
            return try await hub.send(WhoAmI(), own)
        }
    }
}
