import EventIO
import HTTP
import Hub

/// The Hub, or the inference router, as a server: its address, the credentials, and the time limits.
@EventLoop
final class Upstream {
    /// A response that a typed call has collected.
    struct Answer: Sendable {
        let status: Status
        let headers: Headers
        let body: [UInt8]
    }

    let server: UpstreamServer
    /// Its origin and path prefix.
    let base: String
    /// The path before all others of the gateway's.
    let basePath: String
    let publicURL: UpstreamAddress?
    let pool: TransferPool
    let admission: CallAdmission
    let broker: RateBroker
    let limits: Transfer.Limits
    /// Signs the URLs of hosts that may hold the Hub's content.
    let signedURLs: SignedURLPolicy
    let xet: XetChoice
    let detector: LeakDetector
    let leaks: LeakReporter
    /// Whether a response that leads away becomes an error.
    let isStrict: Bool
    /// The account that pays, whatever a client says; nil leaves that to the client.
    let billTo: String?
    /// Nothing is sent to it.
    let isOff: Bool
    /// How long a stream of events may be silent, in milliseconds; 0: for ever.
    let eventSilence: UInt64
    /// The file cache; nil where there is none.
    let files: FileCache?
    private let own: Credential?
    /// The credentials of `credentials_dir`.
    private let named: [Credential]

    /// `base` is one of the addresses in `origin`; both get its token.
    init(
        _ settings: Settings, _ server: UpstreamServer, origin: HubOrigin, base: String, limits: Transfer.Limits,
        pool: TransferPool, admission: CallAdmission, broker: RateBroker, leaks: LeakReporter, files: FileCache? = nil
    ) {
        self.broker = broker
        self.files = files
        self.server = server
        self.base = base
        basePath = settings.basePath
        publicURL = settings.publicURL
        own = origin.token.map { .bearer($0) }
        named = settings.credentials?.tokens.values.map { Credential.bearer($0) } ?? []
        self.pool = pool
        self.admission = admission
        self.leaks = leaks
        xet = settings.xetInUse
        // The sandbox's token is no secret.
        let signingKey =
            settings.signingKey ?? (settings.sandbox ? nil : origin.token) ?? SigningKeyFile.kept
        signedURLs = SignedURLPolicy(
            codec: SignedURLCodec(
                key: signingKey.map { SignedURLKey(token: $0) } ?? .ofThisStart),
            hosts: ContentHosts(
                domains: settings.contentHosts.names, origins: origin.contentOrigins + settings.contentHosts.origins,
                base: base),
            longestTarget: settings.targetLimit.bytes)
        self.limits = limits
        isStrict = settings.strictLeaks
        billTo = settings.billTo
        isOff = settings.upstream.isOff
        eventSilence = UInt64(settings.sseKeepAlive.milliseconds)
        detector = LeakDetector(
            addresses: [origin.base] + [origin.inference].compactMap(\.self) + origin.contentOrigins
                + settings.contentHosts.origins,
            domains: settings.contentHosts.names, meant: xet == .pass ? [Xet.domain] : [])
    }

    /// Sends `request`, whose path is from the Hub's root, as the principal of `context`.
    /// `limit` is of a successful response, in bytes. Throws `hubBroken` for a larger one, `noToken` where the gateway should lend a
    /// token and has none, `tooBusy` where there is no place for a call.
    func send(
        _ request: Request, _ context: RequestContext, limit: Int, isBackground: Bool = false
    ) async throws(Failure) -> Answer {
        if isOff { throw Failure(.hubTooSlow, detail: "This gateway asks no Hub (upstream = off).") }
        var request = request
        let credential = try context.principal.credential
        request.headers.set("User-Agent", "hubgate/\(Version.number)")
        request.headers.set("X-Amzn-Trace-Id", context.id.description)
        request.headers.set("Accept", "application/json")
        let answered = RateBroker.Answered(
            credential: credential, target: request.target, method: request.method, hasBody: !request.body.isEmpty)
        var budget =
            server == .hub
            ? broker.use(credential, request.target, request.method, context, isBackground: isBackground) : nil
        while true {
            let answer: Answer
            do throws(Failure) {
                answer = try await sendOnce(request, credential, context, budget, limit: limit)
            } catch {
                if let budget { broker.unanswered(budget) }
                throw error
            }
            guard server == .hub, broker.answered(&budget, answered, answer.status, answer.headers, context) else {
                return answer
            }
        }
    }

    private func sendOnce(
        _ request: Request, _ credential: Credential?, _ context: RequestContext, _ budget: BudgetUse?, limit: Int
    ) async throws(Failure) -> Answer {
        if let budget { try await broker.enter(budget, context) }
        let place: CallPlace
        do throws(Failure) {
            // Mostly there is one at once, and nothing to wait for.
            if let free = admission.begin(context) { place = free } else { place = try await admission.wait(context) }
        } catch {
            if let budget { broker.notMade(budget) }
            throw error
        }
        defer { place.end() }
        do throws(Failure) {
            try context.confirmKey()
        } catch {
            if let budget { broker.notMade(budget) }
            throw error
        }
        context.audited?.calls(request.method)
        let started = MonotonicInstant.now
        defer { context.upstreamMicroseconds = MonotonicInstant.now.microseconds(since: started) }
        let content = ContentCollector(limit: limit, patience: 2 * UInt64(limits.stall))
        var request = request
        let span = context.trace?.begins(&request, at: base, server, isSigned: false)
        let transfer = pool.start(
            request, url: base, target: request.target.pathAndQuery, authorization: credential?.authorization,
            limits: limits, sink: content)
        content.transfer = transfer
        var outcome: Result<Void, Failure> = .success(())
        do throws(Failure) { try await transfer.responseEnd() } catch { outcome = .failure(error) }
        span?.end(content.head?.status, outcome.failure)
        guard let head = content.head else {
            try outcome.get()
            throw .hubBroken("it ended before its head")
        }
        context.hubRequestID = head.headers["X-Request-Id"]
        return Answer(status: head.status, headers: head.headers, body: try content.bytes(outcome))
    }

    /// Whether a client sent a token that is this gateway's own, however it got it.
    func isOwn(_ token: Secret) -> Bool {
        token == own?.secret || named.contains { $0.secret == token }
    }
}

/// The servers that the gateway calls for its clients.
@EventLoop
struct Upstreams {
    let hub: Upstream
    /// The inference router; nil where the settings name none for this Hub.
    let inference: Upstream?

    init(
        _ settings: Settings, origin: HubOrigin, pool: TransferPool, admission: CallAdmission, broker: RateBroker,
        leaks: LeakReporter, files: FileCache?
    ) {
        hub = Upstream(
            settings, .hub, origin: origin, base: origin.base, limits: .hub(settings), pool: pool,
            admission: admission, broker: broker, leaks: leaks, files: files)
        inference = origin.inference.map { base in
            Upstream(
                settings, .inferenceRouter, origin: origin, base: base, limits: .inference(settings), pool: pool,
                admission: admission, broker: broker, leaks: leaks)
        }
    }
}

extension Transfer.Limits {
    fileprivate static func hub(_ settings: Settings) -> Transfer.Limits {
        Transfer.Limits(
            connect: settings.connectTimeout.milliseconds, firstByte: settings.firstByteTimeout.milliseconds,
            stall: settings.stallTimeout.milliseconds)
    }

    /// A model may think for long before its first word, and between two words.
    fileprivate static func inference(_ settings: Settings) -> Transfer.Limits {
        Transfer.Limits(
            connect: settings.connectTimeout.milliseconds, firstByte: settings.inferenceTimeout.milliseconds,
            stall: settings.inferenceTimeout.milliseconds)
    }
}

/// Collects an upstream response's content up to a limit. Of an error only the beginning is kept, as its status and fields say the most.
@EventLoop
final class ContentCollector: TransferSink {
    private let limit: Int
    private let patience: UInt64
    private(set) var head: Transfer.Head?
    private var collected: [UInt8] = []
    private var isError = false
    private var timer: Timer?
    private var isTooLarge = false
    private var isOverdue = false
    /// As much of an error has come as is kept.
    private var isEnough = false
    /// Cancelled when no more of it is needed.
    var transfer: Transfer?

    /// `limit` is in bytes, of a successful response; `patience` in milliseconds, from its head to its end.
    init(limit: Int, patience: UInt64) {
        self.limit = limit
        self.patience = patience
    }

    /// A response that is collected is small: one that comes byte by byte must not be waited for without end. One that stands still is
    /// ended by the transfer before. Mostly all of it comes at once, and no timer is needed.
    func begin(_ head: Transfer.Head) {
        self.head = head
        isError = !head.status.isSuccess
        EventLoop.post { self.watch() }
    }

    private func watch() {
        guard transfer != nil else { return }
        timer = Timer { [weak self] in self?.giveUp() }
        timer?.start(milliseconds: patience)
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if isError {
            unsafe collected.append(contentsOf: bytes.prefix(max(0, JSONLimits.reply.bytes - collected.count)))
            if collected.count == JSONLimits.reply.bytes {
                isEnough = true
                transfer?.cancel()
            }
        } else if collected.count + bytes.count > limit {
            isTooLarge = true
            collected = []
            transfer?.cancel()
        } else if !isTooLarge {
            unsafe collected.append(contentsOf: bytes)
        }
        return true
    }

    /// It has taken too long in all, however steadily it comes.
    func giveUp() {
        isOverdue = true
        transfer?.cancel()
    }

    func end(_ outcome: Result<Void, TransferError>) { (transfer, timer) = (nil, nil) }

    /// The whole content, when it has ended. Throws `hubBroken` if there was more than the limit, `hubTooSlow`, or why it is not whole.
    func bytes(_ outcome: Result<Void, Failure> = .success(())) throws(Failure) -> [UInt8] {
        guard !isTooLarge else { throw .hubBroken("it is larger than \(limit) bytes") }
        // An error's status says the most, however the response ends.
        if isError, isEnough || isOverdue { return collected }
        if isOverdue { throw .hubTooSlow("the response was not whole within the time limit") }
        try outcome.get()
        return collected
    }
}
