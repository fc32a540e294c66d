internal import Hub

/// The Hub as a server: where it is, with which credential it is asked, and for how long.
@EventLoop
final class Upstream {
    /// An answer that a typed call has collected.
    struct Answer: Sendable {
        let status: Status
        let headers: Headers
        let body: [UInt8]
    }

    /// The largest answer of a typed call, in bytes; the Hub's are a few kilobytes.
    private static let answerLimit = 8 << 20

    let access: Access
    /// The Hub's origin and path prefix.
    let base: String
    let pool: TransferPool
    let limits: Transfer.Limits
    /// Where the Hub may redirect to for a file's bytes.
    let contentHosts: ContentHosts
    private let token: Secret?

    init(_ settings: Settings, base: String, contentOrigins: [String], token: Secret?, pool: TransferPool) {
        access = settings.access
        self.base = base
        self.token = token
        self.pool = pool
        contentHosts = ContentHosts(domains: settings.contentHosts.names, origins: contentOrigins, base: base)
        limits = Transfer.Limits(
            connect: settings.connectTimeout.milliseconds, firstByte: settings.firstByteTimeout.milliseconds,
            stall: settings.stallTimeout.milliseconds)
    }

    /// Sends `request`, whose path is from the Hub's root, with the credential that the access mode gives the caller.
    /// Throws `noToken` where the gateway should lend one and has none.
    func send(_ request: Request, _ context: RequestContext) async throws(Failure) -> Answer {
        var request = request
        let credential = try credential(for: context.caller)
        request.headers.set("User-Agent", "hubgate/\(Version.number)")
        request.headers.set("X-Amzn-Trace-Id", context.id.description)
        request.headers.set("Accept", "application/json")
        let started = Moment.now
        defer { context.upstreamMicroseconds = Moment.now.microseconds(since: started) }
        let content = ContentCollector(limit: Self.answerLimit)
        let transfer = pool.start(
            request, url: base + request.target.pathAndQuery, credential: credential, limits: limits,
            sink: content)
        let head = try await transfer.head()
        context.hubRequestID = head.headers["X-Request-Id"]
        try await transfer.done()
        return Answer(status: head.status, headers: head.headers, body: try content.bytes())
    }

    /// The token that goes to the Hub for a caller. Throws `noToken` where the gateway should lend one and has none.
    func credential(for caller: Caller) throws(Failure) -> Secret? {
        switch access {
        case .passthrough:
            return caller.token
        case .open:
            guard let token else {
                throw .noToken(
                    "This gateway has no Hub token. Whoever runs it sets HF_ACCESS_TOKEN (or HF_TOKEN, or token_file) and starts it again; a token_file is read anew on SIGHUP."
                )
            }
            return token
        }
    }
}
