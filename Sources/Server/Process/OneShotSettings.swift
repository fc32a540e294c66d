import EventIO
import Synchronization

/// Settings consumed once, so that the token is not retained: it lives as long as its last holder, and reloads replace it.
final class OneShotSettings: Sendable {
    private let settings: Mutex<Settings?>

    let files: FileChecks
    let workers: WorkerCount
    let asksForKeys: Bool
    let hasFileCache: Bool

    init(_ settings: Settings) {
        self.settings = Mutex(settings)
        files = FileChecks(settings)
        workers = settings.workers
        asksForKeys = settings.access == .keys
        hasFileCache = !settings.cacheDirectory.isEmpty
    }

    func take() -> Settings {
        settings.withLock { settings in
            defer { settings = nil }
            return settings ?? Settings()
        }
    }

    /// Reads the key of signed URLs from the state directory, or makes it, where nothing else gives one. Called while the process still has the rights.
    func keepSigningKey() {
        settings.withLock { settings in
            guard let settings, settings.signingKey == nil, settings.token == nil, !settings.sandbox else { return }
            SigningKeyFile.keep(SigningKeyFile(in: StateDirectory(settings.stateDirectory)).readOrMake())
        }
    }
}

/// The files and the user that the settings name and that are needed later: checked before the program reports that the settings are valid.
struct FileChecks: Sendable {
    private let certificate: String
    private let key: String
    /// By the setting's name.
    private let authorities: [(name: String, path: String?)]
    private let clients: TLSContext.ClientFiles?
    private let user: String?
    /// Nil except with `access = keys`.
    private let state: StateDirectory?
    /// Nil: there is no audit.
    private let audit: AuditDirectory?

    init(_ settings: Settings) {
        certificate = settings.tlsCertificate
        key = settings.tlsKey
        authorities = [("ca_file", settings.authorities), ("peer_ca_file", settings.peerAuthorities)]
        clients = settings.clientFiles
        user = settings.user
        state = settings.access == .keys ? StateDirectory(settings.stateDirectory) : nil
        audit = settings.auditDirectory.isEmpty ? nil : AuditDirectory(path: settings.auditDirectory)
    }

    /// One line each, beginning with the setting's name.
    var faults: [String] {
        [
            certificateFault, clientsFault, userFault, state?.fault.map { "state_dir: \($0)" },
            audit?.fault.map { "audit_dir: \($0)" },
        ].compactMap(\.self) + authorities.compactMap(Self.fault(of:))
    }

    /// Faults with which the gateway can still serve, one line each.
    var warnings: [String] {
        guard let tls = try? TLSContext(certificate: certificate, key: key) else { return [] }
        let end = CertificateWatch.warning(
            certificate, expires: Int(tls.expires), now: Int(WallClock.microseconds / 1_000_000))
        return [end].compactMap(\.self) + tls.warnings
    }

    private var certificateFault: String? {
        do throws(CError) {
            _ = try TLSContext(certificate: certificate, key: key)
            return nil
        } catch {
            return
                "tls_cert, tls_key: \(error). `make certs` makes a pair to try; name yours with tls_cert and tls_key."
        }
    }

    private var clientsFault: String? {
        guard let clients, let tls = try? TLSContext(certificate: certificate, key: key) else { return nil }
        do throws(CError) {
            try tls.ask(clients: clients)
            return nil
        } catch {
            return "client_ca: \(error)"
        }
    }

    private var userFault: String? {
        do throws(ServiceUser.Fault) {
            _ = try ServiceUser(user)
            return nil
        } catch {
            return error.description
        }
    }

    /// libcurl would report a wrong file only at the first call.
    private static func fault(of authorities: (name: String, path: String?)) -> String? {
        let (name, path) = authorities
        guard let path else { return nil }
        switch SystemFiles.read(path) {
        case .absent: return "\(name): there is no file \(path.shown)"
        case .failed(let reason): return "\(name): \(path.shown) cannot be read: \(reason)"
        case .bytes(let content):
            let hasCertificate = String(decoding: content, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----")
            return hasCertificate ? nil : "\(name): \(path.shown) holds no certificate in PEM"
        }
    }
}
