import EventIO
import HTTP
import Hub

/// GET and POST /-/login: a person names their device, and shows a key to confirm it. A plain form, without a script and without anything
/// that a browser would add by itself: the key is typed each time, so no other page can send it.
struct LoginPage: Handler {
    let logins: Logins
    let device: DeviceLogin
    let identification: Identification
    let roles: RoleBook
    let bodyBounds: BodyBounds

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let request = exchange.request
        guard request.method == .post else {
            let code = request.target.query.flatMap(Self.code) ?? ""
            return .response(
                LoginForm(code: code, message: device.role == nil ? .off : .none, basePath: device.basePath).response(
                    .ok))
        }
        let origin = GatewayAddress.origin(of: request, forwarded: context.forwardedOrigin, publicURL: device.publicURL)
        guard !CrossSite.sent(request, to: origin) else {
            return .response(LoginForm(message: .otherSite, basePath: device.basePath).response(.forbidden))
        }
        let mediaType = request.headers.mediaType
        return .pending { () async throws(Failure) in
            let body = try await exchange.wholeBody(within: bodyBounds)
            guard mediaType == "application/x-www-form-urlencoded",
                let form = try? OAuthParameters(body, mediaType: mediaType)
            else { throw .badRequest("The body has to be the form of this page.") }
            let message = await decide(form, context)
            // The code stays in the form for another try, the key never does.
            let code = message.isDone ? "" : UserCode.read(form["code"] ?? "").map(UserCode.shown) ?? ""
            return LoginForm(code: code, message: message, basePath: device.basePath).response(message.status)
        }
    }

    /// `code=…` of the address that a device shows.
    private static func code(_ query: String) -> String? {
        guard query.hasPrefix("code=") else { return nil }
        return UserCode.read(String(query.dropFirst(5))).map(UserCode.shown)
    }

    private func decide(_ form: OAuthParameters, _ context: RequestContext) async -> LoginForm.Message {
        guard let role = device.role else { return .off }
        if logins.guesses.wait(context.address) != nil {
            refused(context, "there were too many keys that are not good, or wrong codes")
            return .tooMany
        }
        guard let code = UserCode.read(form["code"] ?? "") else { return .unknownCode }
        let text = Array((form["key"] ?? "").utf8)
        guard let approver = approver(text) else { return badKey(context) }
        let isConfirmed = form["verdict"] == "confirm"
        if isConfirmed, let fault = fault(approver, role) {
            let isBound = fault == .bound
            refused(context, isBound ? Self.boundReason : "the key may do less than a device would get", by: approver)
            return fault
        }
        let decision = DeviceDecision(
            userCode: code, isConfirmed: isConfirmed, address: context.address, publicID: approver.publicID,
            secret: GatewayKey.secret(of: text))
        guard let answer = try? await logins.ask(.deviceDecide(decision)) else {
            refused(context, "the state process has not answered", by: approver)
            return .notNow
        }
        return message(answer, decision, approver, context)
    }

    private static let boundReason = "a key that has limits, or that a login has made, confirms no device"

    /// The holder of a key: nothing is told of a key without its secret.
    private func approver(_ key: [UInt8]) -> KeyIdentity? {
        guard let secret = try? Secret(key) else { return nil }
        let headers: Headers = ["Authorization": Credential.bearer(secret).reveal()]
        return try? identification.keys?.identify(headers).key
    }

    private func badKey(_ context: RequestContext) -> LoginForm.Message {
        logins.guesses.note(context.address)
        refused(context, "the key that was shown to confirm a device is not good")
        return .badKey
    }

    private func refused(_ context: RequestContext, _ reason: String, by key: KeyIdentity? = nil) {
        logins.reporter.note(
            LoginEvent(
                kind: .refused, address: context.address, requestID: context.id, key: key?.name,
                publicID: key?.publicID, reason: reason))
    }

    /// Why this key may not give the role; nil where it may. A key cannot give more rights than it has.
    private func fault(_ approver: KeyIdentity, _ role: String) -> LoginForm.Message? {
        guard approver.grant.fault == nil else { return .badKey }
        guard approver.grant.rate == nil, approver.grant.limits == nil else { return .bound }
        guard role != Settings.approversRole else { return nil }
        guard let rules = roles.rules(of: role), RoleCover.covers(approver.grant.scope.rules, rules) else {
            return .tooLittle(role: role)
        }
        return nil
    }

    private func message(
        _ answer: LoginAnswer, _ decision: DeviceDecision, _ approver: KeyIdentity, _ context: RequestContext
    ) -> LoginForm.Message {
        switch answer {
        case .confirmed(let address, let created):
            logins.reporter.note(
                LoginEvent(
                    kind: decision.isConfirmed ? .deviceConfirmed : .deviceDenied, address: context.address,
                    requestID: context.id, key: approver.name, publicID: approver.publicID,
                    reason: "the device with the code \(UserCode.shown(decision.userCode)), which asked from \(address)"
                ))
            return decision.isConfirmed ? .confirmed(address: address, time: WallClock.iso8601(created)) : .denied
        case .badApprover: return badKey(context)
        case .boundApprover:
            refused(context, Self.boundReason, by: approver)
            return .bound
        case .unknownCode:
            refused(context, "\(approver.name) typed a code that no device waits with", by: approver)
            return .unknownCode
        case .decided:
            refused(context, "\(approver.name) typed a code that was decided on before", by: approver)
            return .decided
        case .tooManyGuesses:
            refused(context, "there were too many wrong codes", by: approver)
            return .tooMany
        default: return .notNow
        }
    }
}
