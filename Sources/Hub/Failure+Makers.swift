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

    /// `detail` is a whole sentence that names the missing credential.
    package static func noToken(_ detail: String) -> Failure { Failure(.noToken, detail: detail) }

    /// `retryAfter` is in seconds; without it the refusal's own Retry-After counts, where that is a number.
    package static func hubAnswered(_ refusal: HubRefusal, retryAfter: Int? = nil) -> Failure {
        let told = refusal.headers["Retry-After"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        return Failure(.hubAnswered(refusal), detail: refusal.message, retryAfter: retryAfter ?? told)
    }

    /// `reason` is a phrase: `.hubUnreachable("the name huggingface.co was not found")`.
    /// A fault of a certificate stays until an operator mends it. `advice` is a sentence, where there is a better one.
    package static func hubUnreachable(_ reason: String, _ advice: String? = nil, retryAfter: Int? = nil) -> Failure {
        let usual = reason.lowercased().contains("certificate") ? Advice.mendTrust : .tryLater
        return Failure(
            .hubUnreachable, " cannot be reached: \(reason).", advice.map { .other($0) } ?? usual,
            retryAfter: retryAfter)
    }

    /// `reason` is a phrase: `.hubTooSlow("no answer within the time limit")`.
    package static func hubTooSlow(_ reason: String) -> Failure {
        Failure(.hubTooSlow, " is too slow: \(reason).", .tryLater)
    }

    /// `reason` is a phrase: `.hubBroken("the response was cut off")`.
    package static func hubBroken(_ reason: String) -> Failure {
        Failure(.hubBroken, "'s response cannot be used: \(reason).", .tryLater)
    }

    /// `allow` is for the Allow field (RFC 9110 section 15.5.6).
    package static func methodNotAllowed(_ method: Method, allow: [Method]) -> Failure {
        let allowed = allow.map(\.rawValue).joined(separator: ", ")
        return Failure(.methodNotAllowed(allow: allow), detail: "\(method) is not allowed here; use \(allowed).")
    }

    /// `accepted` is a media type: `.unsupportedMediaType(accepted: "application/json")`.
    package static func unsupportedMediaType(accepted: String) -> Failure {
        Failure(.unsupportedMediaType, detail: "The body must be \(accepted); set Content-Type and send that.")
    }

    package static var clientGone: Failure { Failure(.clientGone, detail: "The client closed the connection.") }

    /// `what` is used up: `.tooBusy("connections to the Hub", retryAfter: 1)`; `retryAfter` in seconds.
    package static func tooBusy(_ what: String, retryAfter: Int = 1) -> Failure {
        Failure(
            .tooBusy, detail: "This gateway has no \(what) left. Try again in \(retryAfter) s.", retryAfter: retryAfter)
    }

    /// `detail` goes to the log; the Server target decides what the caller sees of it.
    package static func internalError(_ detail: String) -> Failure { Failure(.internalError, detail: detail) }
}
