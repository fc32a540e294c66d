package import HTTP
import Hub

/// A small Hub in memory, with the other origins for large files: `hubgate --sandbox` serves it to
/// users without a token, and the live tests use it as the Hub. It refuses what the real Hub refuses, so that a call
/// that works here works there (hub-api.md sections 1 to 3).
///
/// A pure value: no I/O, no clock but `now`, and the same requests always give the same responses.
package struct Sandbox {
    /// `https://host:port`, without a slash at the end: the beginning of its absolute URLs.
    package let origin: String
    /// The same for the origin of large files.
    package let cdn: String
    /// The same for the origin of Xet's content-addressed store.
    package let cas: String
    /// Seconds since 1970.
    package let now: @Sendable () -> Int64
    private let milliseconds: @Sendable () -> Int64
    package let digest: Digest
    package var repos: SandboxRepoStore
    package var uploads = SandboxUploads()
    package var xorbs = SandboxXorbStore()
    /// Off as long as Xet's documentation does not mention them; its client supports them (hf_xet 1.8.0).
    package var grantsXorbs = false
    /// By ETag, the number of bytes after which the next download breaks off.
    package var cuts: [String: Int] = [:]
    private var quota: SandboxQuota
    private var record = SandboxJournal()
    private var answered = 0

    /// The time at which its clock stands still unless another clock is given: 2026-01-01, 00:00 UTC.
    package static let opening: Int64 = 1_767_225_600

    /// The most that all repositories, begun uploads and xorbs may hold.
    package static let mostBytes = 512 << 20

    /// With the sample repositories. Without `limits` it reports a large quota and refuses no request. `milliseconds` is the clock of the limits;
    /// nil: `now`.
    package init(
        origin: String, cdn: String = "https://cdn.sandbox.invalid", cas: String = "https://cas.sandbox.invalid",
        limits: SandboxLimits? = nil, digest: Digest, now: @escaping @Sendable () -> Int64 = { Sandbox.opening },
        milliseconds: (@Sendable () -> Int64)? = nil
    ) {
        self.milliseconds = milliseconds ?? { now() * 1000 }
        self.origin = origin
        self.cdn = cdn
        self.cas = cas
        self.now = now
        self.digest = digest
        repos = .samples(createdAt: Self.opening, digest)
        quota = SandboxQuota(limits)
    }

    /// The requests that it got, oldest first; the last 10,000 of them.
    package var journal: [SandboxJournal.Entry] { record.entries }

    /// HEAD is answered like GET, body included: `Exchange.send` takes the length from it and drops it.
    package mutating func answer(_ request: Request, at place: SandboxPlace = .hub) -> Response {
        if place == .hub, let answer = control(request) { return answer }
        let credential = SandboxCredential(request.headers) { xetGrant($0) }
        var response = SandboxRefusal.answer { () throws(SandboxRefusal) in
            switch place {
            case .cdn: return try routeOnCDN(request)
            case .cas: return try routeOnCAS(request, credential)
            case .hub:
                try spend(request, credential)
                return try route(request, credential)
            }
        }
        switch place {
        case .hub: sign(&response, request, credential)
        case .cas: response.headers.set("X-Request-Id", "sandbox-cas-\(record.count)")
        case .cdn: response.headers.set("X-Amz-Request-Id", "SANDBOX\(record.count)")
        }
        record.append(.init(request, credential, response.status, at: place))
        return response
    }

    private mutating func spend(_ request: Request, _ credential: SandboxCredential) throws(SandboxRefusal) {
        let bucket = SandboxQuota.Bucket(request.target, credential)
        let now = milliseconds()
        guard quota.spend(bucket, now: now) else { throw .tooMany(retryAfter: quota.secondsLeft(bucket, now: now)) }
    }

    private mutating func route(_ request: Request, _ credential: SandboxCredential) throws(SandboxRefusal) -> Response
    {
        // Before the route: the Hub refuses a token that it does not know on every path, public ones too.
        guard credential != .unknown, credential.grant == nil else { throw .unknownToken }
        let (route, captured) = try SandboxRoute.find(request.method, request.target, in: SandboxRoute.all)
        return try route.handler(&self, SandboxCall(request: request, token: credential.token, captured: captured))
    }

    private mutating func routeOnCDN(_ request: Request) throws(SandboxRefusal) -> Response {
        try checkSignature(request)
        let (route, captured) = try SandboxRoute.find(request.method, request.target, in: SandboxRoute.onCDN)
        return try route.handler(&self, SandboxCall(request: request, token: nil, captured: captured))
    }

    private mutating func routeOnCAS(
        _ request: Request, _ credential: SandboxCredential
    ) throws(SandboxRefusal) -> Response {
        guard let grant = credential.grant else { throw .noXetToken }
        let (route, captured) = try SandboxRoute.find(request.method, request.target, in: SandboxRoute.onCAS)
        return try route.handler(
            &self, SandboxCall(request: request, token: nil, grant: grant, captured: captured))
    }

    /// Forgets old xorbs if that helps. Throws 507 when there is still no room for `count` more bytes.
    package mutating func makeRoom(for count: Int) throws(SandboxRefusal) {
        if !hasRoom(for: count) { xorbs.forget(before: now() - Self.signatureLife) }
        guard hasRoom(for: count) else { throw .full("memory") }
    }

    private func hasRoom(for count: Int) -> Bool {
        repos.heldBytes + uploads.heldBytes + xorbs.heldBytes + count <= Self.mostBytes
    }

    /// Adds the fields that every response of the Hub has.
    private mutating func sign(_ response: inout Response, _ request: Request, _ credential: SandboxCredential) {
        answered += 1
        // The Hub appends the client's trace id to its own, so a test can see whether it was passed on.
        let trace = request.headers["X-Amzn-Trace-Id"].map { ";\($0)" } ?? ""
        response.headers.set("X-Request-Id", "Root=sandbox-\(answered)\(trace)")
        let bucket = SandboxQuota.Bucket(request.target, credential)
        response.headers.set("RateLimit", quota.state(of: bucket, now: milliseconds()))
        response.headers.set("RateLimit-Policy", quota.policy(of: bucket))
    }
}

/// The origin that a request came to.
package enum SandboxPlace: String, Sendable {
    case hub, cdn, cas
}
