import EventIO
import HTTP
import Hub

/// POST /oauth/token: gives a gateway key in exchange for another proof of identity.
struct PostToken: Handler {
    let logins: Logins
    let exchange: TokenExchange
    let device: DeviceLogin
    let bodyBounds: BodyBounds

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let mediaType = exchange.request.headers.mediaType
        return .pending { () async throws(Failure) in
            let body = try await exchange.wholeBody(within: bodyBounds)
            do throws(OAuthError) {
                return try await answer(try OAuthParameters(body, mediaType: mediaType), context)
            } catch {
                return try error.response()
            }
        }
    }

    private func answer(
        _ parameters: OAuthParameters, _ context: RequestContext
    ) async throws(OAuthError) -> Response {
        switch parameters["grant_type"] {
        case TokenExchange.grantType: return try await exchange.answer(parameters, context)
        case DeviceLogin.grantType: return try await device.answer(parameters, context)
        case nil: throw OAuthError(.invalidRequest, "There is no grant_type.")
        default:
            throw OAuthError(
                .unsupportedGrantType,
                "This gateway takes a workload's token (\(TokenExchange.grantType)) or a device's code (\(DeviceLogin.grantType))."
            )
        }
    }
}

/// Exchanges a workload's token for a gateway key (RFC 8693), by the rules of the settings.
struct TokenExchange: Sendable {
    static let grantType = "urn:ietf:params:oauth:grant-type:token-exchange"
    /// hf sends the first, the specification of such tokens names the second.
    private static let tokenTypes = ["id_token", "jwt"].map { "urn:ietf:params:oauth:token-type:\($0)" }

    let logins: Logins
    let rules: LoginRules

    @EventLoop
    func answer(_ parameters: OAuthParameters, _ context: RequestContext) async throws(OAuthError) -> Response {
        guard !rules.rules.isEmpty else {
            throw OAuthError(
                .unsupportedGrantType,
                "This gateway has no logins for workloads. Its operator names them in the setting logins.")
        }
        guard let text = parameters["subject_token"], let type = parameters["subject_token_type"],
            Self.tokenTypes.contains(type)
        else {
            throw OAuthError(
                .invalidRequest,
                "A token exchange has subject_token, a JSON Web Token, and subject_token_type id_token or jwt.")
        }
        if let seconds = logins.refusals.wait(context.address) {
            logins.reporter.note(
                LoginEvent(
                    kind: .refused, address: context.address, requestID: context.id,
                    reason: "too many tokens of this address were refused"))
            throw .tooMany(retryAfter: seconds)
        }
        let rule: LoginRule
        var token: JSONWebToken?
        do throws(TokenRefusal) {
            let read = try JSONWebToken(text)
            token = read
            rule = try await judge(read, parameters["resource"])
        } catch {
            logins.refusals.note(context.address)
            logins.reporter.note(
                LoginEvent(
                    kind: .refused, address: context.address, requestID: context.id, issuer: try? token?.issuer,
                    subject: token?.subject, reason: error.reason))
            throw OAuthError(
                .invalidGrant, "\(error.description) The gateway's log says more of request \(context.id).")
        }
        return try await give(rule, token?.subject ?? "", context)
    }

    /// The rule that gives a key for the token. Throws why none does.
    @EventLoop
    private func judge(_ token: JSONWebToken, _ resource: String?) async throws(TokenRefusal) -> LoginRule {
        let issuer = try token.issuer
        let known = rules.of(issuer: issuer)
        guard let first = known.first else { throw .untrusted("no login is of its iss \(issuer.quotedForLog)") }
        guard let keys = await logins.issuers.keys(of: first).keys(with: token.keyID) else {
            throw .untrusted("the keys of \(issuer.quotedForLog) are not to be had")
        }
        try keys.verify(token)
        try TokenJudgement.checkTimes(token.claims, now: Int64(WallClock.now.seconds))
        // A client may choose a rule by its name; any other value is meant for the Hub's own exchange.
        let named = known.filter { $0.name == resource }
        return try TokenJudgement.rule(for: token.claims, among: named.isEmpty ? known : named)
    }

    @EventLoop
    private func give(
        _ rule: LoginRule, _ subject: String, _ context: RequestContext
    ) async throws(OAuthError) -> Response {
        let publicID = GatewayKey.makePublicID()
        let key = GatewayKey.make(publicID: publicID)
        let secret = NewSecret(
            publicID: publicID, secretHash: key.secretHash.bytes, requestID: context.id.description)
        var event = LoginEvent(
            kind: .exchanged, address: context.address, requestID: context.id, rule: rule.name, issuer: rule.issuer,
            subject: subject)
        let answer: LoginAnswer
        do throws(OAuthError) {
            answer = try await logins.ask(.workload(rule: rule.name, subject: subject, secret))
        } catch {
            refuse(&event, "the state process has made no key")
            throw error
        }
        switch answer {
        case .made(let name, _):
            (event.key, event.publicID) = (name, publicID)
            logins.reporter.note(event)
            guard let response = try? OAuthAnswer.token(key.text, seconds: rule.lifetime, exchanged: true) else {
                throw .settling
            }
            return response
        case .tooManyKeys:
            refuse(&event, "the login \(rule.name) has \(rule.mostKeys) keys that live, and may have no more (keys)")
            throw .tooManyKeys("This login has as many keys as it may. Try again when some have expired.")
        case .tooManyKeysOfSubject:
            refuse(
                &event,
                "the subject \(subject.quotedForLog) has \(rule.mostKeysOfSubject) keys of the login \(rule.name) that live, and may have no more (keys_per_subject)"
            )
            throw .tooManyKeys(
                "This workload has as many keys of its login as one may. Use one for longer, or try again when some have expired."
            )
        default:
            refuse(&event, "the state process does not know the login \(rule.name) yet")
            throw .settling
        }
    }

    @EventLoop
    private func refuse(_ event: inout LoginEvent, _ reason: String) {
        event = LoginEvent(
            kind: .refused, address: event.address, requestID: event.requestID, rule: event.rule, issuer: event.issuer,
            subject: event.subject, reason: reason)
        logins.reporter.note(event)
    }
}

extension OAuthError {
    fileprivate static func tooManyKeys(_ description: String) -> OAuthError {
        OAuthError(.temporarilyUnavailable, description, .tooManyRequests, retryAfter: 60)
    }
}
