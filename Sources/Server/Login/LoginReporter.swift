import EventIO

/// What happened in a login: for the log and the audit.
struct LoginEvent: Sendable {
    enum Kind: String, Sendable {
        /// A workload's token became a key.
        case exchanged
        /// A token was refused.
        case refused
        /// A device asks for a key; it was confirmed, or refused; it was given its key.
        case deviceAsked, deviceConfirmed, deviceDenied, deviceGiven
        /// The keys of an issuer cannot be fetched.
        case issuerFailed
    }

    let kind: Kind
    var address = ""
    var requestID: RequestID?
    /// The name of the settings' rule.
    var rule: String?
    /// The name of the key that was made, or that has decided; and its public id.
    var key: String?
    var publicID: Int64?
    /// The token's own claims; not to be believed where it was refused.
    var issuer: String?
    var subject: String?
    /// What exactly is wrong. Strangers' texts are quoted and short.
    var reason: String?
}

extension LoginEvent {
    /// For the audit; nil where no request was made.
    var record: AuditRecord? {
        guard let name = kind.auditName else { return nil }
        var record = AuditRecord(.login)
        record.set(.requestID, requestID?.description)
        record.set(.key, key)
        record.set(.keyID, publicID.map { KeyRecord.shownID($0) })
        record.set(.address, address)
        record.set(.decision, kind == .refused || kind == .deviceDenied ? "refused" : "allowed")
        record.set(.rule, rule)
        record.set(.event, name)
        record.set(.detail, reason)
        record.set(.issuer, issuer)
        record.set(.subject, subject)
        return record
    }
}

extension LoginEvent.Kind {
    /// The event's name in a line of the audit.
    fileprivate var auditName: String? {
        switch self {
        case .exchanged: "exchange"
        case .refused: "login"
        case .deviceAsked: "device-ask"
        case .deviceConfirmed: "device-confirm"
        case .deviceDenied: "device-deny"
        case .deviceGiven: "device-key"
        case .issuerFailed: nil
        }
    }
}

@EventLoop
final class LoginReporter {
    /// Nil: there is no audit.
    private let auditor: Auditor?
    private let notice: (String) -> Void
    private let warn: (String) -> Void
    /// Refusals in the present period: a stranger must not fill the log.
    private var refusals = 0
    private var began = MonotonicInstant.now

    private static let mostRefusals = 50
    private static let milliseconds: UInt64 = 10_000

    init(
        auditor: Auditor? = nil, notice: @escaping (String) -> Void = { _ in },
        warn: @escaping (String) -> Void = { _ in }
    ) {
        self.auditor = auditor
        self.notice = notice
        self.warn = warn
    }

    func note(_ event: LoginEvent) {
        audit(event)
        switch event.kind {
        case .exchanged:
            notice(
                "Login \(event.rule ?? ""): made the key \(event.key ?? "") for \(event.address)\(Self.request(event))."
            )
        case .deviceAsked: notice("A device at \(event.address) asks for a key\(Self.request(event)).")
        case .deviceConfirmed, .deviceDenied:
            let verdict = event.kind == .deviceConfirmed ? "confirmed" : "refused"
            notice("\(event.key ?? "") at \(event.address) has \(verdict) a device\(Self.request(event)).")
        case .deviceGiven:
            notice("A device at \(event.address) has got the key \(event.key ?? "")\(Self.request(event)).")
        case .refused:
            guard hasRoom() else { return }
            warn("Login refused for \(event.address)\(Self.request(event)): \(event.reason ?? "").")
        case .issuerFailed: warn("The keys of a token issuer cannot be had: \(event.reason ?? "").")
        }
    }

    /// Events that any stranger can cause are limited in number.
    private func audit(_ event: LoginEvent) {
        guard let auditor, let record = event.record else { return }
        switch event.kind {
        case .refused, .deviceAsked: auditor.refuse(record, isOfStranger: true)
        default: auditor.note(record)
        }
    }

    private static func request(_ event: LoginEvent) -> String { event.requestID.map { " (request \($0))" } ?? "" }

    private func hasRoom() -> Bool {
        if MonotonicInstant.now.milliseconds(since: began) >= Self.milliseconds {
            if refusals > Self.mostRefusals {
                warn("Logins refused besides, and not logged: \(refusals - Self.mostRefusals).")
            }
            (refusals, began) = (0, .now)
        }
        refusals += 1
        return refusals <= Self.mostRefusals
    }
}
