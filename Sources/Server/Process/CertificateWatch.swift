import EventIO

/// Says in time that the certificate has to be renewed: when it is read, and once a day.
@EventLoop
final class CertificateWatch {
    private static let day: UInt64 = 86_400_000
    private static let warningDays = 30

    private let report: @EventLoop (String) -> Void
    private var path = ""
    /// In seconds since 1970.
    private var expires = 0
    private lazy var daily = Timer { self.check() }

    init(report: @escaping @EventLoop (String) -> Void) {
        self.report = report
    }

    func watch(_ tls: TLSContext, path: String) {
        self.path = path
        expires = Int(tls.expires)
        check()
    }

    private func check() {
        if let warning = Self.warning(path, expires: expires, now: WallClock.now.seconds) { report(warning) }
        daily.start(milliseconds: Self.day)
    }

    /// Nil while there is time.
    nonisolated static func warning(_ path: String, expires: Int, now: Int) -> String? {
        let remedy = "Put a new one there with its key, and send SIGHUP."
        let days = (expires - now) / 86_400
        switch expires - now {
        case ...0: return "The certificate \(path.shown) has expired: clients refuse it. \(remedy)"
        case ..<86_400: return "The certificate \(path.shown) expires within a day. \(remedy)"
        case ..<(warningDays * 86_400):
            return "The certificate \(path.shown) expires in \(days) day\(days == 1 ? "" : "s"). \(remedy)"
        default: return nil
        }
    }
}
