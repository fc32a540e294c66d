internal import Glibc
internal import Logging

/// The gateway as a service: from its first settings, over each reload, to its orderly end.
@EventLoop
final class Service {
    typealias Reader = () -> Result<Command, SettingsError>

    /// The only lasting holder of the token besides what serves with it.
    private(set) var settings: Settings
    private let read: Reader
    private let log: Logger
    private let threshold: LogThreshold
    private let output = Output(descriptor: STDOUT_FILENO)
    private let notify = Notify(Environment.all)
    private let sandbox: SandboxServer?
    private let server: Server
    private let certificate: CertificateWatch

    /// Starts serving. `read` reads the settings anew.
    init(_ settings: Settings, read: @escaping Reader) throws(CError) {
        let form = LogForm(settings.logFormat, isTerminal: isatty(STDOUT_FILENO) == 1)
        let threshold = LogThreshold(settings.logLevel.level)
        let log = Logger(label: "hubgate") { _ in GatewayLogHandler(threshold: threshold, form: form) }
        self.settings = settings
        self.read = read
        self.threshold = threshold
        self.log = log
        certificate = CertificateWatch { log.warning("\($0)") }
        DescriptorLimit.raise()
        let sandbox = settings.sandbox ? try SandboxServer() : nil
        self.sandbox = sandbox
        do throws(CError) {
            server = try Server(
                settings, origin: sandbox?.origin ?? Server.Origin(settings),
                log: AccessLog(output: output, form: form, isOn: settings.accessLog))
        } catch {
            sandbox?.close()
            throw error
        }
        let greeting = Greeting.lines(
            settings, port: server.port, adminPort: server.adminPort,
            sandbox: sandbox.map { (hub: $0.origin.base, cdn: $0.cdn, cas: $0.cas) })
        for line in greeting { log.notice("\(line)") }
        warn()
        notify.ready(status)
    }

    /// Takes up what changed in the files, all of it or, if anything is wrong, nothing.
    func reload() {
        guard !server.gateway.lifecycle.isDraining else { return }
        notify.reloading()
        switch Reload.decide(settings, read()) {
        case .success(let reload): take(reload)
        case .failure(let refusal): log.error("\(refusal)")
        }
        notify.ready(status)
    }

    private func take(_ reload: Reload) {
        settings = reload.settings
        threshold.level = settings.logLevel.level
        server.use(settings, token: sandbox?.origin.token ?? settings.token, tls: reload.tls)
        log.notice("\(reload.summary)")
        if let warning = reload.restartWarning { log.warning("\(warning)") }
        warn()
    }

    private func warn() {
        certificate.watch(server.listener.tls, path: settings.tlsCertificate)
        if let warning = DescriptorLimit.warning(settings, of: DescriptorLimit.current) { log.warning("\(warning)") }
    }

    func announceStop() {
        log.notice("Stopping: requests in flight may finish; another signal ends at once.")
        notify.stopping("Stopping, requests in flight: \(server.gateway.lifecycle.inFlight)")
    }

    func stop() async {
        let cut = await server.stop(settings)
        if cut > 0 {
            log.warning("Requests cut off because they did not finish within drain_timeout: \(cut).")
        }
        sandbox?.close()
        output.flush()
    }

    private var status: String { "Listening on port \(server.port)" }
}
