import EventIO

/// Warns in time that the certificate, or a file for clients' certificates, has to be renewed: when they are read, and once a day. An expired
/// revocation list is reported at once.
@EventLoop
final class CertificateWatch {
    private static let day: UInt64 = 86_400_000
    private nonisolated static let warningDays = 30

    private let report: @EventLoop (String) -> Void
    private var path = ""
    private var clients: TLSContext.ClientFiles?
    /// In seconds since 1970.
    private var expires = 0
    private var authoritiesExpire = Int64.max
    private var listsExpire = Int64.max
    private lazy var daily = Timer { self.check() }

    init(report: @escaping @EventLoop (String) -> Void) {
        self.report = report
    }

    func watch(_ tls: TLSContext, _ settings: Settings) {
        (path, clients) = (settings.tlsCertificate, settings.clientFiles)
        expires = Int(tls.expires)
        (authoritiesExpire, listsExpire) = (tls.clientAuthoritiesExpire, tls.revocationListsExpire)
        check()
    }

    private func check() {
        let now = WallClock.now.seconds
        if let warning = Self.warning(path, expires: expires, now: now) { report(warning) }
        for warning in Self.warnings(clients, authoritiesExpire, listsExpire, now: Int64(now)) { report(warning) }
        let untilListsExpire =
            listsExpire > now && listsExpire < .max ? UInt64(listsExpire - Int64(now) + 1) * 1000 : Self.day
        daily.start(milliseconds: min(Self.day, untilListsExpire))
    }

    /// What is wrong with the files for clients' certificates, or soon will be.
    nonisolated static func warnings(
        _ files: TLSContext.ClientFiles?, _ authoritiesExpire: Int64, _ listsExpire: Int64, now: Int64
    ) -> [String] {
        guard let files else { return [] }
        var warnings: [String] = []
        if authoritiesExpire <= now {
            warnings.append(
                "An authority in \(files.authorities.shown) has expired: clients whose certificates it has issued are refused. Put a new one there, and send SIGHUP."
            )
        } else if authoritiesExpire - now < Int64(warningDays) * 86_400 {
            warnings.append(
                "An authority in \(files.authorities.shown) expires in \((authoritiesExpire - now) / 86_400) days. Put a new one there, and send SIGHUP."
            )
        }
        if let lists = files.revocationLists, listsExpire <= now {
            warnings.append(
                "A revocation list in \(lists.shown) is out of date: clients whose certificates it is about are refused. Put a new one there, and send SIGHUP."
            )
        }
        return warnings
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
