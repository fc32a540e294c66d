import EventIO
import Hub

/// The failure for a client whose key is refused.
extension KeyRefusal {
    /// For `X-Error-Code` and the metric.
    var code: String {
        switch self {
        case .missing: "KeyMissing"
        case .foreign: "KeyForeign"
        case .mistyped: "KeyMistyped"
        case .unknown: "KeyUnknown"
        case .expired: "KeyExpired"
        case .revoked: "KeyRevoked"
        case .certificate(let refusal): refusal.code
        }
    }

    var failure: Failure {
        Failure(.unidentified(code: code), detail: detail)
    }

    private var detail: String {
        switch self {
        case .missing:
            "This gateway asks for a key: set HF_TOKEN to one that begins with hg_. Its operator makes one with `hubgate keys create`."
        case .foreign:
            "This gateway takes keys of its own, which begin with hg_, and no Hub token: set HF_TOKEN to a key."
        case .mistyped:
            "This is no whole gateway key: a character is wrong or missing. Copy it again, \(GatewayKey.length) characters from hg_ on."
        case .unknown: "This gateway does not know this key. Ask its operator for one."
        case .expired(let time):
            "This key has expired (\(WallClock.iso8601(time))). Ask the operator of this gateway: `hubgate keys edit` extends it."
        case .certificate(let refusal): refusal.detail
        case .revoked: "This key was revoked. Ask the operator of this gateway for another."
        }
    }
}
