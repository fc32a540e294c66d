import Hub

extension MetricLabels {
    /// How a request was answered, by its status's first digit.
    enum Answer: Int, MetricLabelValue {
        case success, redirection, clientError, serverError
        /// The client left before it could be answered.
        case none

        init(_ status: Int?) {
            self =
                switch status {
                case nil: .none
                case .some(..<300): .success
                case .some(..<400): .redirection
                case .some(..<500): .clientError
                // RFC 9110 section 15: an unknown class counts as 5xx.
                default: .serverError
                }
        }

        var label: String { self == .none ? "none" : "\(rawValue + 2)xx" }
    }

    /// How a TLS handshake ended.
    enum Handshake: Int, MetricLabelValue {
        case full, resumed, failed, abandoned
    }

    /// Why the gateway closed a connection.
    enum Refusal: Int, MetricLabelValue {
        case address, records, proxyHeader, proxyHeaderLate
    }

    /// Why no connection was accepted for a while.
    enum Pause: Int, MetricLabelValue {
        case limit, handshakes, error
    }

    /// How a call to the Hub ended.
    enum Outcome: Int, MetricLabelValue {
        case whole, unreachable, tooSlow, broken, cancelled
    }

    /// What part the cache had in a response.
    enum CacheResult: Int, MetricLabelValue {
        case hit, stale, validated, standIn, miss, bypass, collapsed

        /// Whether it took no call to the Hub.
        var sparesCall: Bool { self == .hit || self == .stale || self == .collapsed }

        init(_ status: CacheStatus) {
            self =
                switch status {
                case .hit(let ttl): ttl < 0 ? .stale : .hit
                case .validated: .validated
                case .standIn: .standIn
                case .forwarded(.bypass), .forwarded(.method): .bypass
                case .forwarded: .miss
                case .collapsed: .collapsed
                }
        }
    }

    /// What a call to the Hub that has a place is doing.
    enum Occupancy: Int, MetricLabelValue {
        case working, waitingForClient
    }

    /// Why a credential was refused, with `access = keys`.
    enum KeyReason: Int, MetricLabelValue {
        case missing, foreign, mistyped, unknown, expired, revoked, certificate

        init(_ refusal: KeyRefusal) {
            self =
                switch refusal {
                case .missing: .missing
                case .foreign: .foreign
                case .mistyped: .mistyped
                case .unknown: .unknown
                case .expired: .expired
                case .revoked: .revoked
                case .certificate: .certificate
                }
        }
    }

    /// What a line of the audit is about.
    enum AuditKind: Int, MetricLabelValue {
        case intent, outcome, refusal, keyEvent, login, trash, unknown, admin, other

        init(_ kind: AuditRecord.Kind) {
            self =
                switch kind {
                case .intent: .intent
                case .outcome: .outcome
                case .refusal: .refusal
                case .keyEvent: .keyEvent
                case .login: .login
                case .trash: .trash
                case .unknown: .unknown
                case .admin: .admin
                case .begin, .start, .stop, .gap, .torn, .removed: .other
                }
        }
    }

    /// What happened to a span.
    enum SpanFate: Int, MetricLabelValue {
        case sent, rejected, failed, dropped
    }

    /// Which connection a call to the Hub used.
    enum Use: Int, MetricLabelValue {
        case new, kept
    }
}
