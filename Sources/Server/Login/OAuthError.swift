import EventIO
import HTTP
import Hub

/// An error in OAuth's form (RFC 6749 section 5.2): clients read its code.
struct OAuthError: Error, Equatable {
    enum Code: String {
        case invalidRequest = "invalid_request"
        case invalidGrant = "invalid_grant"
        case unsupportedGrantType = "unsupported_grant_type"
        case unauthorizedClient = "unauthorized_client"
        // RFC 8628 section 3.5.
        case authorizationPending = "authorization_pending"
        case slowDown = "slow_down"
        case accessDenied = "access_denied"
        case expiredToken = "expired_token"
        /// Not in RFC 6749 for this endpoint, but clients know it from others: try again later.
        case temporarilyUnavailable = "temporarily_unavailable"
    }

    let code: Code
    /// Sentences: what is wrong, and what to do. Printable ASCII without quotes and backslashes, as RFC 6749 has it.
    let description: String
    var status = Status.badRequest
    /// Seconds.
    var retryAfter: Int?

    init(_ code: Code, _ description: String, _ status: Status = .badRequest, retryAfter: Int? = nil) {
        self.code = code
        self.description = description
        self.status = status
        self.retryAfter = retryAfter
    }

    /// Too many failures from that address.
    static func tooMany(retryAfter: Int) -> OAuthError {
        OAuthError(
            .temporarilyUnavailable, "Too many attempts have failed from this address. Try again in \(retryAfter) s.",
            .tooManyRequests, retryAfter: retryAfter)
    }

    func response() throws(Failure) -> Response {
        var response = try OAuthAnswer.response(
            status, ["error": .string(code.rawValue), "error_description": .string(description)])
        // hf prints the second where it does not read the first.
        response.headers.append("X-Error-Code", code.rawValue)
        response.headers.append("X-Error-Message", description)
        if let retryAfter { response.headers.append("Retry-After", String(retryAfter)) }
        return response
    }
}

/// What all responses of these endpoints have in common.
enum OAuthAnswer {
    /// It is not cached (RFC 6749 section 5.1).
    static func response(_ status: Status, _ members: [String: JSON]) throws(Failure) -> Response {
        var response = try Response(status, json: .object(members))
        response.body.append(UInt8(ascii: "\n"))
        response.headers.append("Cache-Control", "no-store")
        return response
    }

    /// A key as an access token.
    static func token(_ key: String, seconds: Int64, exchanged: Bool) throws(Failure) -> Response {
        var members: [String: JSON] = [
            "access_token": .string(key), "token_type": "bearer", "expires_in": .integer(seconds),
        ]
        // RFC 8693 section 2.2.1.
        if exchanged { members["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token" }
        return try response(.ok, members)
    }
}
