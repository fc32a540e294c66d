import EventIO

/// What happened at a login: for the log, and THE place from which an audit record is made.
struct LoginEvent: Sendable {
    enum Kind: String, Sendable {
        /// A workload's token became a key.
        case exchanged
        /// A token was refused.
        case refused
        /// A device asks for a key; somebody has confirmed it, or refused it; it was given its key.
        case deviceAsked, deviceConfirmed, deviceDenied, deviceGiven
        /// The keys of an issuer cannot be had.
        case issuerFailed
    }

    let kind: Kind
    var address = ""
    var requestID: RequestID?
    /// Of the settings.
    var rule: String?
    /// The name of the key that was made, or that somebody has decided with.
    var key: String?
    /// What exactly was wrong. Of strangers' texts, quoted and short.
    var reason: String?
}

@EventLoop
final class LoginReporter {
    private let notice: (String) -> Void
    private let warn: (String) -> Void
    /// Of refusals in the present time: a stranger shall not fill the log.
    private var refusals = 0
    private var began = MonotonicInstant.now

    private static let mostRefusals = 50
    private static let milliseconds: UInt64 = 10_000

    init(notice: @escaping (String) -> Void = { _ in }, warn: @escaping (String) -> Void = { _ in }) {
        self.notice = notice
        self.warn = warn
    }

    func note(_ event: LoginEvent) {
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
