import EventIO
import HTTP
import Hub

/// GET /api/account: the Hub's whoami, held for some seconds.
struct GetAccount: Handler {
    private static let headers: Headers = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]

    let account: AccountCache

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let principal = context.principal
        if let json = try account.cached(principal) { return .response(try Self.response(json, principal)) }
        return .pending { () async throws(Failure) in
            let account = try await account.whoAmI(context)
            try context.confirmKey()
            return try Self.response(account, principal)
        }
    }

    /// A client with a key sees its key, and the part of the account that is within the key's scope.
    private static func response(_ json: [UInt8], _ principal: Principal) throws(Failure) -> Response {
        guard let key = principal.key else { return Response(.ok, headers: headers, body: json) }
        let view = try KeyAccountView.json(json, key: key.name, key.grant.scope)
        return Response(.ok, headers: headers, body: try view.encoded())
    }
}

/// The account of each token, asked at most once in `account_cache_ttl` for each credential: the Hub limits this call strictly.
@EventLoop
struct AccountCache {
    typealias Held = SingleFlightCache<CachePartition, [UInt8]>

    let hub: HubClient
    let held: Held

    /// The same as `whoAmI`, if it is held; else nil.
    func cached(_ principal: Principal) throws(Failure) -> [UInt8]? {
        try held.cached(principal.account)
    }

    /// The Hub's JSON, without its secrets.
    func whoAmI(_ context: RequestContext) async throws(Failure) -> [UInt8] {
        try await held.value(context.principal.account) { [hub] () async throws(Failure) -> [UInt8] in
            // Others wait for it too: it goes on when the first client leaves.
            let own = RequestContext(outliving: context)
            own.principal = context.principal
            defer {
                context.hubRequestID = own.hubRequestID
                context.upstreamMicroseconds = own.upstreamMicroseconds
            }
            return try await hub.send(WhoAmI(), own)
        }
    }
}
