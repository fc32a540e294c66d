import EventIO
import HTTP
import Hub

/// THE table from kinds of failures to responses.
extension Failure {
    /// The status line's code.
    var status: Status {
        switch kind {
        case .badRequest: .badRequest
        case .refused(let status, _): status
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .payloadTooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .unidentified: .unauthorized
        case .noToken: .serviceUnavailable
        case .denied, .signedURLRefused: .forbidden
        case .declined(let decline): decline.status
        case .hubAnswered(let refusal): refusal.status.code >= 400 ? refusal.status : .badGateway
        case .hubUnreachable, .hubBroken: .badGateway
        case .hubTooSlow: .gatewayTimeout
        case .clientGone: .requestTimeout
        case .tooManyRequests, .budgetSpent, .limitReached: .tooManyRequests
        case .tooBusy, .auditUnavailable, .draining, .notReady: .serviceUnavailable
        case .internalError: .internalServerError
        }
    }

    /// `X-Error-Code`: the Hub's own where it gave one, so that its clients raise the exception that they would raise without us.
    var code: String {
        switch kind {
        case .badRequest: "BadRequest"
        case .refused(_, let rule): rule.filter { $0 != "." }.split(separator: "-").map(\.capitalized).joined()
        case .notFound: "NotFound"
        case .methodNotAllowed: "MethodNotAllowed"
        case .payloadTooLarge: "ContentTooLarge"
        case .unsupportedMediaType: "UnsupportedMediaType"
        case .unidentified(let code): code
        case .noToken: "NoToken"
        case .denied: "Denied"
        case .declined(let decline): decline.code
        case .signedURLRefused: "SignedURLRefused"
        case .hubAnswered(let refusal): refusal.code ?? refusal.status.reason.filter { $0 != " " }
        case .hubUnreachable: "HubUnreachable"
        case .hubBroken: "HubBroken"
        case .hubTooSlow: "HubTooSlow"
        case .clientGone: "ClientGone"
        case .tooBusy: "TooBusy"
        case .tooManyRequests: "TooManyRequests"
        case .budgetSpent: "BudgetSpent"
        case .limitReached: "LimitReached"
        case .auditUnavailable: "AuditUnavailable"
        case .draining: "Draining"
        case .notReady: "NotReady"
        case .internalError: "InternalError"
        }
    }

    /// The text for the client. Details of a bug are for the log alone.
    var publicDetail: String {
        if case .internalError = kind {
            return "The gateway failed at this request. Report it with the request id."
        }
        return detail
    }

    /// The original facade's sentence, for `Accept: text/plain`.
    private var sentence: String {
        switch status {
        case .unauthorized: "ERROR: Access token unauthorized"
        case .notFound: if case .hubAnswered = kind { "ERROR: Repo DNE" } else { "ERROR: \(publicDetail)" }
        case .conflict: "ERROR: This repo already exists"
        default: "ERROR: \(publicDetail)"
        }
    }

    private var headers: Headers {
        var headers: Headers = ["X-Error-Code": code, "X-Error-Message": publicDetail]
        // The sentence may be one of the Hub's.
        RelayedDocument.isolate(&headers)
        switch kind {
        case .unidentified:
            // By this sentence the Hub's clients tell a wrong credential from a repository that does not exist.
            headers.set("X-Error-Message", "Invalid credentials in Authorization header")
            headers.append("WWW-Authenticate", #"Bearer realm="hubgate", error="invalid_token""#)
            headers.append("WWW-Authenticate", #"Basic realm="hubgate", charset="UTF-8""#)
        case .methodNotAllowed(let allow):
            headers.append("Allow", allow.map(\.rawValue).joined(separator: ", "))
        case .tooManyRequests(let limit, let seconds):
            // In the Hub's form (draft-ietf-httpapi-ratelimit-headers-09): its clients wait by these fields.
            headers.append("RateLimit", #""api";r=0;t=\#(retryAfter ?? 1)"#)
            headers.append("RateLimit-Policy", #""token bucket";"api";q=\#(limit);w=\#(seconds)"#)
        case .budgetSpent(let bucket, let limit, let seconds):
            headers.append("RateLimit", #""\#(bucket)";r=0;t=\#(retryAfter ?? 1)"#)
            headers.append("RateLimit-Policy", #""fixed window";"\#(bucket)";q=\#(limit);w=\#(seconds)"#)
        case .hubAnswered(let refusal):
            for (name, value) in refusal.headers { headers.append(name, value) }
        default:
            break
        }
        if let retryAfter, !headers.contains("Retry-After") {
            headers.append("Retry-After", String(retryAfter))
        }
        return headers
    }

    /// The whole response: JSON, or the original's plain sentence for clients that prefer text.
    func response(to request: Request, id: RequestID) -> Response {
        advised(for: request.method).answer(to: request, id: id)
    }

    private func answer(to request: Request, id: RequestID) -> Response {
        var response =
            if request.prefersPlainText {
                Response(status, text: sentence + "\n")
            } else {
                Response(status, headers: ["Content-Type": "application/json"], body: json(id))
            }
        for (name, value) in headers { response.headers.append(name, value) }
        response.headers.append("X-Request-Id", id.description)
        return response
    }

    /// The sentence comes first: people read these in a terminal.
    private func json(_ id: RequestID) -> [UInt8] {
        let members = [("error", publicDetail), ("code", code), ("request_id", id.description)].map { name, value in
            // A string always has a JSON form, which the type of `encoded` cannot express.
            Array("\"\(name)\":".utf8) + ((try? JSON.string(value).encoded()) ?? Array("null".utf8))
        }
        return Array("{".utf8) + Array(members.joined(separator: ",".utf8)) + Array("}\n".utf8)
    }
}

extension Decline {
    fileprivate var status: Status {
        switch self {
        case .confirmationRequired: .forbidden
        case .deleteUnderWay, .idempotencyKeyInUse, .outcomeUnknown, .keyConflict: .conflict
        case .idempotencyKeyReused: Status(422)
        case .idempotencyUnsupported: .notImplemented
        case .stateUnavailable: .serviceUnavailable
        }
    }

    fileprivate var code: String {
        switch self {
        case .confirmationRequired: "ConfirmationRequired"
        case .deleteUnderWay: "DeleteUnderWay"
        case .idempotencyKeyInUse: "IdempotencyKeyInUse"
        case .outcomeUnknown: "OutcomeUnknown"
        case .idempotencyKeyReused: "IdempotencyKeyReused"
        case .idempotencyUnsupported: "IdempotencyUnsupported"
        case .stateUnavailable: "StateUnavailable"
        case .keyConflict: "KeyConflict"
        }
    }
}

extension Substring {
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
