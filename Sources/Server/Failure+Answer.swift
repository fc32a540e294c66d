internal import Hub

/// THE table from a kind of failure to what the client gets.
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
        case .expectationFailed: .expectationFailed
        case .noToken: .serviceUnavailable
        case .denied: .forbidden
        case .hubAnswered(let refusal): refusal.status.code >= 400 ? refusal.status : .badGateway
        case .hubUnreachable, .hubBroken: .badGateway
        case .hubTooSlow: .gatewayTimeout
        case .clientGone: .requestTimeout
        case .tooBusy, .draining, .notReady: .serviceUnavailable
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
        case .expectationFailed: "ExpectationFailed"
        case .noToken: "NoToken"
        case .denied: "Denied"
        case .hubAnswered(let refusal): refusal.code ?? "Hub\(refusal.status.code)"
        case .hubUnreachable: "HubUnreachable"
        case .hubBroken: "HubBroken"
        case .hubTooSlow: "HubTooSlow"
        case .clientGone: "ClientGone"
        case .tooBusy: "TooBusy"
        case .draining: "Draining"
        case .notReady: "NotReady"
        case .internalError: "InternalError"
        }
    }

    /// What the client is told. A bug's details are for the log alone.
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
        switch kind {
        case .methodNotAllowed(let allow):
            headers.append("Allow", allow.map(\.rawValue).joined(separator: ", "))
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

    /// The whole answer: JSON, or the original's plain sentence to who prefers that.
    func response(to request: Request, id: RequestID) -> Response {
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

    private func json(_ id: RequestID) -> [UInt8] {
        let members: JSON = [
            "error": .string(publicDetail), "code": .string(code), "request_id": .string(id.description),
        ]
        // Strings always have a JSON form; the type of `encoded` does not know that there is no number here.
        return (try? members.encoded()) ?? Array(#"{"error":"?"}"#.utf8)
    }
}

extension Substring {
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
