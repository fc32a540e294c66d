import EventIO
import HTTP
import Hub

/// The caller of a request, and the sessions of the console.
extension AdminServices {
    /// The cookie goes to this origin alone, over TLS, and no script can read it (RFC 6265bis section 4.1.3).
    static let cookie = "__Host-hubgate"
    private static let csrfField = "X-CSRF-Token"

    /// Throws where the caller is no administrator, or a page of another site sent the request.
    func caller(_ request: Request, _ peer: String, _ context: RequestContext) async throws(Failure) -> AdminCaller {
        if case .local = access {
            guard AdminAccess.isLocal(request, peer: peer, address: context.address) else { throw Self.notLocal }
            return .local
        }
        if request.headers.contains("Authorization") { return try keyHolder(request, context) }
        guard let token = Self.token(request) else { throw .notSignedIn }
        // A browser adds a cookie by itself: so the page that sends it has to be ours, and has to know the token.
        guard !CrossSite.sent(request, to: ownOrigin(request, context)),
            request.method.isSafe || Self.hasCSRFToken(request, token)
        else { throw Self.forged }
        guard let caller = try await state.caller(session: token, context) else { throw .notSignedIn }
        return caller
    }

    private func ownOrigin(_ request: Request, _ context: RequestContext) -> String? {
        GatewayAddress.origin(of: request, forwarded: context.forwardedOrigin, publicURL: settings.publicURL)
    }

    /// The holder of the key in `Authorization: Bearer`. A password does not count here: a browser would add it to requests of any page.
    private func keyHolder(_ request: Request, _ context: RequestContext) throws(Failure) -> AdminCaller {
        guard let key = context.principal.key, !ShownKey.isBasic(request.headers) else {
            let refusal = context.principal.refusal ?? .foreign
            metrics.add(.keyRefusals, at: MetricLabels.KeyReason(refusal).rawValue)
            throw refusal.failure
        }
        guard AdminActs.isAdministrator(key.grant.grant) else { throw .noAdministrator }
        let text = Array((request.headers["Authorization"] ?? "").utf8.suffix(GatewayKey.length))
        guard text.count == GatewayKey.length else { throw KeyRefusal.mistyped.failure }
        return AdminCaller(
            name: key.name, proof: .key(key.publicID, secret: GatewayKey.secret(of: text)), publicID: key.publicID,
            session: nil)
    }

    // MARK: sessions

    /// The session's token, if the request has exactly one cookie of ours: of two, one may have been set by another site.
    static func token(_ request: Request) -> String? {
        let values = request.headers.values(of: "Cookie").flatMap { field in
            field.split(separator: ";").compactMap { pair -> String? in
                let pair = pair.drop { $0 == " " || $0 == "\t" }
                guard pair.hasPrefix(cookie + "=") else { return nil }
                return String(pair.dropFirst(cookie.count + 1))
            }
        }
        guard values.count == 1, let token = values.first, (1...AdminSession.longest).contains(token.utf8.count) else {
            return nil
        }
        return token
    }

    /// The token by which a page of ours shows itself. It takes the session to make one, and no script can read the session.
    static func csrfToken(_ session: String) -> String {
        Base64URL.encode(MessageDigest.sha256(Array("hubgate: CSRF, 1\n\(session)".utf8)))
    }

    private static func hasCSRFToken(_ request: Request, _ session: String) -> Bool {
        let fields = request.headers.values(of: csrfField)
        return fields.count == 1 && HMACSHA256.isSame(Array(fields[0].utf8), Array(csrfToken(session).utf8))
    }

    func session(_ caller: AdminCaller) -> JSON {
        [
            "name": caller.name.map { .string($0) } ?? .null,
            "csrf_token": caller.session.map { .string(Self.csrfToken($0)) } ?? .null,
            "keys": .bool(state.keys != nil), "version": .string(Version.number),
        ]
    }

    /// POST /-/api/session.
    func signIn(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) -> Response {
        let request = exchange.request
        guard case .keys = access else { throw .notFound("sign-in") }
        guard !CrossSite.sent(request, to: ownOrigin(request, context)) else { throw Self.forged }
        if let seconds = state.failures.wait(context.address) { throw Self.tooManyFailures(seconds) }
        let members = try await object(exchange, members: ["key"])
        guard let text = members["key"]?.stringValue else {
            throw .badField("key", "is missing, and has to be a string")
        }
        // The key is checked here first, so that a stranger costs the state process nothing.
        guard let secret = try? Secret(Array(text.utf8)),
            let key = try? identification.keys?.identify(["Authorization": Credential.bearer(secret).reveal()]).key
        else {
            state.failures.note(context.address)
            throw Failure(.denied, detail: "This gateway does not accept this key.")
        }
        guard AdminActs.isAdministrator(key.grant.grant) else {
            state.failures.note(context.address)
            throw .noAdministrator
        }
        let caller = AdminCaller(
            name: key.name, proof: .key(key.publicID, secret: GatewayKey.secret(of: Array(text.utf8))),
            publicID: key.publicID, session: nil)
        let answer = try await ask(.signIn, [:], by: caller, context)
        guard let json = try? JSON.parse(answer.body, within: AdminOrder.limits),
            let token = json["token"]?.stringValue, let expires = json["expires"]?.integerValue
        else { throw .stateSilent }
        let seconds = max(0, expires - Int64(WallClock.now.seconds))
        var response = try Response(
            .ok,
            json: session(AdminCaller(name: key.name, proof: nil, publicID: key.publicID, session: token)))
        response.headers.append("Set-Cookie", Self.cookie(token, seconds))
        return response
    }

    /// DELETE /-/api/session. Removes the cookie; a stolen one is valid until the session ends, or the key is rotated.
    func signOut(_ request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        if let token = Self.token(request) {
            guard !CrossSite.sent(request, to: ownOrigin(request, context)), Self.hasCSRFToken(request, token) else {
                throw Self.forged
            }
            state.forget(token)
        }
        var response = try Response(.ok, json: ["done": true])
        response.headers.append("Set-Cookie", Self.cookie("", 0))
        return response
    }

    private static func cookie(_ token: String, _ seconds: Int64) -> String {
        "\(cookie)=\(token); Path=/; Max-Age=\(seconds); Secure; HttpOnly; SameSite=Strict"
    }

    private static let forged = Failure(
        .denied,
        detail: "This was not sent by a page of this console (X-CSRF-Token), so nothing was done. Load the page again.")

    private static let notLocal = Failure(
        .denied,
        detail:
            "Without access = keys only programs and pages of this machine may run the gateway, at its address as localhost and with nothing in between."
    )

    private static func tooManyFailures(_ seconds: Int) -> Failure {
        Failure(
            .tooManyRequests(limit: 10, seconds: 600),
            detail: "There were too many wrong keys from this address. Try again in \(seconds) s.", retryAfter: seconds)
    }
}
