import EventIO
import HTTP
import Hub

/// POST /oauth/device: a device asks for a key, and waits until a person confirms it (RFC 8628 section 3.1).
struct PostDevice: Handler {
    let logins: Logins
    let device: DeviceLogin
    let bodyBounds: BodyBounds

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let request = exchange.request
        return .pending { () async throws(Failure) in
            _ = try await exchange.wholeBody(within: bodyBounds)
            do throws(OAuthError) {
                return try await device.begin(request, context)
            } catch {
                return try error.response()
            }
        }
    }
}

/// The settings for logins of devices.
struct DeviceLogin: Sendable {
    static let grantType = "urn:ietf:params:oauth:grant-type:device_code"

    let logins: Logins
    /// Nil: no device gets a key.
    let role: String?
    let basePath: String
    let publicURL: UpstreamAddress?

    init(_ settings: Settings, logins: Logins) {
        self.logins = logins
        role = settings.loginRole
        basePath = settings.basePath
        publicURL = settings.publicURL
    }

    private static let off = OAuthError(
        .unauthorizedClient,
        "This gateway gives no keys by login: set HF_TOKEN to a key, which its operator makes with hubgate keys create (or they set login_role)."
    )

    @EventLoop
    func begin(_ request: Request, _ context: RequestContext) async throws(OAuthError) -> Response {
        guard role != nil else { throw Self.off }
        try logins.starts.take(context.address)
        let code = Base64URL.encode(Self.random(32))
        let answer = try await logins.ask(
            .deviceBegin(deviceHash: MessageDigest.sha256(Array(code.utf8)), address: context.address))
        guard case .waiting(let userCode) = answer else {
            logins.reporter.note(
                LoginEvent(
                    kind: .refused, address: context.address, requestID: context.id,
                    reason: "too many devices wait to be confirmed"))
            throw answer == .tooManyDevices
                ? OAuthError(
                    .temporarilyUnavailable,
                    "Too many devices wait to be confirmed. Try again in some minutes.",
                    .tooManyRequests, retryAfter: 60)
                : .settling
        }
        logins.reporter.note(LoginEvent(kind: .deviceAsked, address: context.address, requestID: context.id))
        let page = address(request, context) + ListenerRole.loginPath
        guard
            let response = try? OAuthAnswer.response(
                .ok,
                [
                    "device_code": .string(code), "user_code": .string(UserCode.shown(userCode)),
                    "verification_uri": .string(page),
                    "verification_uri_complete": .string("\(page)?code=\(UserCode.shown(userCode))"),
                    "expires_in": .integer(DeviceLogins.lifetime), "interval": .integer(DeviceLogins.interval),
                ])
        else { throw .settling }
        return response
    }

    /// The gateway's address, as the client knows it.
    private func address(_ request: Request, _ context: RequestContext) -> String {
        let origin = GatewayAddress.origin(of: request, forwarded: context.forwardedOrigin, publicURL: publicURL)
        return (origin ?? "") + basePath
    }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// RFC 8628 section 3.4: the device polls for the person's decision.
    @EventLoop
    func answer(_ parameters: OAuthParameters, _ context: RequestContext) async throws(OAuthError) -> Response {
        guard role != nil else { throw Self.off }
        guard let code = parameters["device_code"], !code.isEmpty else {
            throw OAuthError(.invalidRequest, "There is no device_code.")
        }
        if logins.polls.wait(context.address) != nil { throw .slowDown }
        logins.polls.note(context.address)
        let publicID = GatewayKey.makePublicID()
        let key = GatewayKey.make(publicID: publicID)
        let answer = try await logins.ask(
            .devicePoll(
                deviceHash: MessageDigest.sha256(Array(code.utf8)),
                NewSecret(
                    publicID: publicID, secretHash: key.secretHash.bytes, requestID: context.id.description)))
        guard case .made(let name, let expires) = answer else {
            noteRefusal(answer, context)
            throw Self.error(answer)
        }
        logins.reporter.note(
            LoginEvent(
                kind: .deviceGiven, address: context.address, requestID: context.id, key: name, publicID: publicID))
        // RFC 6749 section 5.1: counted from this response, so never longer than the key's life.
        let seconds = max(1, expires - Int64(WallClock.now.seconds))
        guard let response = try? OAuthAnswer.token(key.text, seconds: seconds, exchanged: false) else {
            throw .settling
        }
        return response
    }

    /// A device that waits polls again and again: that is no refusal.
    @EventLoop
    private func noteRefusal(_ answer: LoginAnswer, _ context: RequestContext) {
        let reason: String
        switch answer {
        case .pending, .slowDown: return
        case .expired: reason = "a device's code was not confirmed in time"
        case .denied: reason = "a device's code was refused, or the key that had confirmed it is not good any more"
        case .unknownDevice: reason = "a device asks with a code that is not known, or was used"
        default: reason = "the state process has made no key for a device"
        }
        logins.reporter.note(
            LoginEvent(kind: .refused, address: context.address, requestID: context.id, reason: reason))
    }

    private static func error(_ answer: LoginAnswer) -> OAuthError {
        switch answer {
        case .pending: OAuthError(.authorizationPending, "The code is not confirmed yet.")
        case .slowDown: .slowDown
        case .expired: OAuthError(.expiredToken, "The code was not confirmed in time. Log in again.")
        case .denied: OAuthError(.accessDenied, "This login was refused.")
        case .unknownDevice: OAuthError(.invalidGrant, "This device_code is unknown, or was used. Log in again.")
        default: .settling
        }
    }
}

extension OAuthError {
    static let slowDown = OAuthError(.slowDown, "This asks too often: wait 5 s longer each time.")

    /// The state process and this worker do not have the same settings yet.
    static let settling = OAuthError(
        .temporarilyUnavailable, "The gateway is taking up other settings. Try again.", .serviceUnavailable,
        retryAfter: 1)
}

extension FailureLimit {
    /// Counts one request. Throws where there were too many.
    func take(_ address: String) throws(OAuthError) {
        if let seconds = wait(address) { throw .tooMany(retryAfter: seconds) }
        note(address)
    }
}
