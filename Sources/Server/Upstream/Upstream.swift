internal import Hub

/// The Hub, or the inference router, as a server: where it is, with which credential it is asked, and for how long.
@EventLoop
final class Upstream {
    /// An answer that a typed call has collected.
    struct Answer: Sendable {
        let status: Status
        let headers: Headers
        let body: [UInt8]
    }

    let access: Access
    /// Its origin and path prefix.
    let base: String
    /// The path that stands before all others of the gateway's.
    let basePath: String
    let pool: TransferPool
    let admission: CallAdmission
    let limits: Transfer.Limits
    /// Seals the URLs of where the Hub may keep the bytes of files.
    let sealing: Sealing
    let xet: Xet
    let detector: EscapeDetector
    let escapes: EscapeWatch
    /// Whether an answer that leads away becomes an error.
    let isStrict: Bool
    /// Who pays, whatever a client says; nil leaves that to the client.
    let billTo: String?
    private let own: Credential?

    /// `base` is one of the addresses in `origin`; both get its token.
    init(
        _ settings: Settings, origin: Server.Origin, base: String, limits: Transfer.Limits, pool: TransferPool,
        admission: CallAdmission, escapes: EscapeWatch
    ) {
        access = settings.access
        self.base = base
        basePath = settings.basePath
        own = origin.token.map { .bearer($0) }
        self.pool = pool
        self.admission = admission
        xet = settings.xet
        // The sandbox's token is no secret.
        let sealToken = settings.sandbox ? nil : origin.token
        sealing = Sealing(
            seal: Seal(key: sealToken.map { SealKey(token: $0) } ?? .ofThisStart),
            hosts: ContentHosts(
                domains: settings.contentHosts.names, origins: origin.contentOrigins + settings.contentHosts.origins,
                base: base),
            longestTarget: settings.targetLimit.bytes)
        self.limits = limits
        self.escapes = escapes
        isStrict = settings.strictEscape
        billTo = settings.billTo
        detector = EscapeDetector(
            addresses: [origin.base] + [origin.inference].compactMap(\.self) + origin.contentOrigins
                + settings.contentHosts.origins,
            domains: settings.contentHosts.names, meant: xet == .pass ? [Xet.domain] : [])
    }

    /// Sends `request`, whose path is from the Hub's root, with the credential that the access mode gives the caller.
    /// `limit` is of a successful answer, in bytes. Throws `hubBroken` for a larger one, `noToken` where the gateway should lend a
    /// token and has none, `tooBusy` where no call is to be had.
    func send(_ request: Request, _ context: RequestContext, limit: Int) async throws(Failure) -> Answer {
        var request = request
        let credential = try credential(for: context.caller)
        request.headers.set("User-Agent", "hubgate/\(Version.number)")
        request.headers.set("X-Amzn-Trace-Id", context.id.description)
        request.headers.set("Accept", "application/json")
        let place = try await admission.enter(context)
        defer { place.end() }
        let started = Moment.now
        defer { context.upstreamMicroseconds = Moment.now.microseconds(since: started) }
        let content = ContentCollector(limit: limit)
        let transfer = pool.start(
            request, url: base + request.target.pathAndQuery, credential: credential, limits: limits,
            sink: content)
        content.transfer = transfer
        let head = try await transfer.head()
        context.hubRequestID = head.headers["X-Request-Id"]
        // An answer that is collected is small: one that comes byte by byte has no end that anybody could wait for. One that stands
        // still is told as such before.
        let limit = Timer { content.giveUp() }
        limit.start(milliseconds: 2 * UInt64(limits.stall))
        defer { limit.stop() }
        var outcome: Result<Void, Failure> = .success(())
        do throws(Failure) { try await transfer.done() } catch { outcome = .failure(error) }
        return Answer(status: head.status, headers: head.headers, body: try content.bytes(outcome))
    }

    /// Whether a client sent this gateway's own token, wherever it has it from.
    func isOwn(_ token: Secret) -> Bool { token == own?.secret }

    /// What goes to the Hub for a caller. Throws `noToken` where the gateway should lend its token and has none.
    func credential(for caller: Caller) throws(Failure) -> Credential? {
        switch access {
        case .passthrough:
            return caller.credential
        case .open:
            guard let own else {
                throw .noToken(
                    "This gateway has no Hub token. Whoever runs it sets HF_ACCESS_TOKEN (or HF_TOKEN, or token_file) and starts it again; a token_file is read anew on SIGHUP."
                )
            }
            return own
        }
    }
}
