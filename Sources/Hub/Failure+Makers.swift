package import HTTP

extension Failure {
    /// `detail` is a whole sentence.
    package static func badRequest(_ detail: String) -> Failure { Failure(.badRequest, detail: detail) }

    /// A field of a JSON body: `.badField("private", "must be true or false, was a number")`.
    package static func badField(_ field: String, _ rule: String) -> Failure {
        Failure(.badRequest, detail: "The field \"\(field)\" \(rule).")
    }

    /// `what` is what was asked for: `.notFound("/api/rebo")`.
    package static func notFound(_ what: String) -> Failure {
        Failure(.notFound, detail: "There is no \(what) here; check the spelling.")
    }

    /// The gateway is below a path and not at the root.
    package static func notBelow(_ basePath: String) -> Failure {
        Failure(
            .notFound,
            detail:
                "All that is here begins with \(basePath): set HF_ENDPOINT to this gateway's address with \(basePath) at its end."
        )
    }

    package static func methodNotAllowed(_ method: Method, allow: [Method]) -> Failure {
        let allowed = allow.map(\.rawValue).joined(separator: ", ")
        return Failure(.methodNotAllowed(allow: allow), detail: "\(method) is not allowed here; use \(allowed).")
    }

    /// `limit` is in bytes.
    package static func payloadTooLarge(limit: Int) -> Failure {
        Failure(
            .payloadTooLarge, detail: "The body is larger than the \(limit) bytes that are accepted here (body_limit).")
    }

    /// A body that is collected whole did not arrive in time (RFC 9110 section 15.5.9).
    package static var bodyTooSlow: Failure {
        Failure(
            .refused(.requestTimeout, rule: "body-too-slow"),
            detail: "The request's body did not arrive in time. Send it without pauses.")
    }

    /// `accepted` is a media type: `.unsupportedMediaType(accepted: "application/json")`.
    package static func unsupportedMediaType(accepted: String) -> Failure {
        Failure(.unsupportedMediaType, detail: "The body must be \(accepted); set Content-Type and send that.")
    }

    /// `detail` is a whole sentence that says which credential is wanted.
    package static func noToken(_ detail: String) -> Failure { Failure(.noToken, detail: detail) }

    /// A web page of another site tried to use the gateway's token through a visitor's browser.
    package static var crossSite: Failure {
        Failure(
            .denied,
            detail:
                "Pages of other sites may not use this gateway: it acts with its own token. Use access = passthrough for that."
        )
    }

    /// `retryAfter` is in seconds; without it the refusal's own Retry-After counts, where that is a number.
    package static func hubAnswered(_ refusal: HubRefusal, retryAfter: Int? = nil) -> Failure {
        let told = refusal.headers["Retry-After"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        return Failure(.hubAnswered(refusal), detail: refusal.message, retryAfter: retryAfter ?? told)
    }

    /// `reason` is a phrase: `.hubUnreachable("the name huggingface.co was not found")`.
    /// What is wrong with a certificate stays so until somebody mends it. `advice` is a sentence, where there is a better one.
    package static func hubUnreachable(_ reason: String, _ advice: String? = nil, retryAfter: Int? = nil) -> Failure {
        let advice =
            advice
            ?? (reason.lowercased().contains("certificate")
                ? "Whoever runs this gateway has to look at upstream and ca_file, or at the Hub's certificate."
                : "Try again later.")
        return Failure(
            .hubUnreachable, detail: "The Hub cannot be reached: \(reason). \(advice)", retryAfter: retryAfter)
    }

    /// `reason` is a phrase: `.hubTooSlow("no answer within the time limit")`.
    package static func hubTooSlow(_ reason: String) -> Failure {
        Failure(.hubTooSlow, detail: "The Hub is too slow: \(reason). Try again later.")
    }

    /// A request with its whole response took longer than this gateway's limit for it.
    package static var overdue: Failure {
        Failure(
            .hubTooSlow,
            detail:
                "The request took longer than this gateway allows (request_timeout). Ask for less at once, or later.")
    }

    /// `reason` is a phrase: `.hubBroken("the response was cut off")`.
    package static func hubBroken(_ reason: String) -> Failure {
        Failure(.hubBroken, detail: "The Hub's response cannot be used: \(reason). Try again later.")
    }

    /// There is no inference router for this Hub.
    package static var noInference: Failure {
        Failure(
            .notFound,
            detail: "This gateway has no inference router for its Hub. Whoever runs it names one in inference_upstream."
        )
    }

    /// The Hub leads to a host that its content is not fetched from.
    package static func contentElsewhere(_ host: String) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The Hub leads to \(host), where this gateway does not go for content. Whoever runs it can add the domain to content_hosts."
        )
    }

    /// The store that the Hub leads to leads to another, and that one on to `host`.
    package static func storeLeadsOn(to host: String) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The store of the Hub's files leads on to \(host), after one redirect that this gateway has followed. It follows no second one."
        )
    }

    /// The store of a file refused it, and may give it later: the client's own waiting needs the status as it came.
    package static func storeAnswered(_ status: Status, _ headers: Headers) -> Failure {
        let refusal = HubRefusal(status: status, headers: headers, body: [])
        return .hubAnswered(
            HubRefusal(
                status: status, message: "The store of the Hub's files answered \(status). Try again later.",
                headers: refusal.headers))
    }

    /// WebSockets are not relayed.
    package static var noWebSocket: Failure {
        Failure(
            .refused(.notImplemented, rule: "web-socket"),
            detail:
                "This gateway relays no WebSockets. Use plain requests; what comes bit by bit comes as text/event-stream."
        )
    }

    /// Below `base_path` a second slash follows, where another host could be read.
    package static var doubleSlash: Failure {
        Failure(
            .refused(.badRequest, rule: "target-double-slash"),
            detail: "The path begins with `//`: begin it with one `/`.")
    }

    /// A browser asked for a script that would answer in the place of this gateway.
    package static var serviceWorker: Failure {
        Failure(
            .denied,
            detail: "Nothing here is a service worker: a script of the Hub's may not stand before this gateway.")
    }

    /// A signed URL was not made by this gateway, or not as it came back.
    package static var signedURLInvalid: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "This address was not made by this gateway, or was changed on the way. Ask the Hub's own path for it again."
        )
    }

    /// A signed URL is too old.
    package static var signedURLExpired: Failure {
        Failure(.signedURLRefused, detail: "This address has expired. Ask the Hub's own path for it again.")
    }

    /// A signed URL leads to a host that is no longer allowed.
    package static func signedURLElsewhere(_ host: String) -> Failure {
        Failure(
            .signedURLRefused,
            detail:
                "This address leads to \(host), where this gateway does not go for content. Whoever runs it can add the domain to content_hosts."
        )
    }

    /// A URL of the Hub's store that a client could not ask for, since `target_limit` (in bytes) refuses it.
    package static func tooLongToSign(_ host: String, limit: Int) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The Hub names an address on \(host) that is too long to be asked for here. Whoever runs this gateway can raise target_limit (\(limit) bytes)."
        )
    }

    /// With `xet = hide` there is no Xet here.
    package static var xetHidden: Failure {
        Failure(
            .notFound,
            detail:
                "This gateway does not carry Xet (xet = hide). Set HF_HUB_DISABLE_XET=1 and try again: the same files go by plain HTTP then."
        )
    }

    /// The Hub's response would lead a client past this gateway. `place` is where: `.leak(to: "cdn.hf.co", in: "Link")`.
    package static func leak(to host: String, in place: String) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The Hub has answered, but \(place) of its response leads to \(host), past this gateway. Whoever runs it can look at hubgate_upstream_leaks_total, and let such answers pass by strict_leaks."
        )
    }

    package static var clientGone: Failure { Failure(.clientGone, detail: "The client closed the connection.") }

    /// A request whose body stands still was ended for others.
    package static var madeWay: Failure {
        Failure(
            .tooBusy,
            detail:
                "This gateway is busy, and the request stood still for longest: it made way for others. Send it again, its body without pauses.",
            retryAfter: 1)
    }

    /// `what` is what has run out: `.tooBusy("connections to the Hub", retryAfter: 1)`; `retryAfter` in seconds.
    package static func tooBusy(_ what: String, retryAfter: Int = 1) -> Failure {
        Failure(
            .tooBusy, detail: "This gateway has no \(what) left. Try again in \(retryAfter) s.", retryAfter: retryAfter)
    }

    /// `retryAfter` in seconds.
    package static func draining(retryAfter: Int = 1) -> Failure {
        Failure(
            .draining, detail: "This gateway is shutting down. Try again in \(retryAfter) s.", retryAfter: retryAfter)
    }

    /// Why this gateway should get no requests now.
    package static func notReady(_ reason: Failure) -> Failure {
        Failure(.notReady, detail: reason.detail, retryAfter: reason.retryAfter)
    }

    /// `detail` goes to the log; what the caller sees of it is the Server's choice.
    package static func internalError(_ detail: String) -> Failure { Failure(.internalError, detail: detail) }
}
