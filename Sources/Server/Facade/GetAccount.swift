import EventIO
import HTTP
import Hub

/// GET /api/account: the Hub's whoami, held for some seconds.
struct GetAccount: Responder {
    private static let headers: Headers = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]

    let account: AccountCache

    func cachedResponse(to request: Request, _ context: RequestContext) throws(Failure) -> Response? {
        try account.cached(context).map(Self.response)
    }

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        Self.response(try await account.whoAmI(context))
    }

    private static func response(_ json: [UInt8]) -> Response {
        Response(.ok, headers: headers, body: json)
    }
}

/// Whose token it is, asked at most once in `account_cache_ttl` for each credential: the Hub limits this call strictly.
@EventLoop
final class AccountCache {
    private let hub: HubClient
    private let held: SingleFlightCache<Credential?, [UInt8]>

    init(hub: HubClient, for duration: Duration) {
        self.hub = hub
        held = SingleFlightCache(for: duration)
    }

    /// The same as `whoAmI`, if it is held; else nil.
    func cached(_ context: RequestContext) throws(Failure) -> [UInt8]? {
        try held.cached(try key(context))
    }

    /// In open access all callers are the gateway's token, and a key is what it acts with.
    private func key(_ context: RequestContext) throws(Failure) -> Credential? {
        hub.upstream.access == .open ? nil : try hub.upstream.credential(for: context.caller)
    }

    /// The Hub's JSON, without what is secret in it.
    func whoAmI(_ context: RequestContext) async throws(Failure) -> [UInt8] {
        try await held.value(try key(context)) { [hub] () async throws(Failure) -> [UInt8] in
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
