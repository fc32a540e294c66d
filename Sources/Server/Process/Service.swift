import EventIO
import Glibc
import Hub
import Logging

/// The gateway as a service: from its first settings, over each reload, to its orderly end.
@EventLoop
final class Service {
    typealias Reader = () -> Result<Command, SettingsError>

    /// Besides the handlers, the only lasting holder of the token.
    private(set) var settings: Settings
    private let read: Reader
    private let log: Logger
    private let threshold: SharedLogLevel
    private let output: LogWriter
    /// The worker that it is; nil: it is the whole gateway.
    private let worker: Worker?
    /// Nil in a worker, whose parent talks to the service manager.
    private let notify: SystemdNotifier?
    private var watchdog: Watchdog?
    private let sandbox: SandboxServer?
    /// The sandbox in this process, or the parent's.
    private let site: SandboxSite?
    private let server: Server
    private let certificate: CertificateWatch
    /// Nil except with `access = keys`.
    private let keys: KeyStore?
    private let state: StateClient?
    private let hardening: Hardening

    /// Starts serving. `read` reads the settings again.
    init(_ settings: Settings, as worker: Worker? = nil, read: @escaping Reader) throws(CError) {
        let form = LogEncoding(settings.logFormat, isTerminal: isatty(STDOUT_FILENO) == 1)
        let threshold = SharedLogLevel(settings.logLevel.level)
        let log = Logger(label: "hubgate") { _ in GatewayLogHandler(threshold: threshold, form: form) }
        self.settings = settings
        self.read = read
        self.worker = worker
        output = LogWriter(worker?.output ?? NonblockingDescriptor(STDOUT_FILENO))
        notify = worker == nil ? SystemdNotifier(Environment.all) : nil
        self.threshold = threshold
        self.log = log
        certificate = CertificateWatch { log.warning("\($0)") }
        DescriptorLimit.raise()
        // Before the first client is served: until the keys are there, every key would be refused.
        let client = worker?.state.map { StateClient($0) }
        let keys = try client.map { (client) throws(CError) in try KeyStore(client) { log.warning("\($0)") } }
        self.keys = keys
        state = client
        let sandbox = settings.sandbox && worker == nil ? try SandboxServer(settings.sandboxLimits) : nil
        self.sandbox = sandbox
        let auditor = settings.auditDirectory.isEmpty ? nil : client.map { Auditor($0) }
        site = sandbox?.site ?? worker?.sandbox
        do throws(CError) {
            server = try Server(
                worker?.settings(settings) ?? settings, origin: site?.origin ?? HubOrigin(settings),
                log: AccessLog(output: output, form: form, isOn: settings.accessLog), as: worker, keys: keys,
                auditor: auditor,
                logins: LoginReporter(auditor: auditor, notice: { log.notice("\($0)") }, warn: { log.warning("\($0)") })
            ) { log.warning("\($0)") }
        } catch {
            sandbox?.close()
            throw error
        }
        var hardening = Hardening()
        do throws(CError) {
            // A worker's parent has done that already.
            if worker == nil { try hardening.dropPrivileges(settings) }
        } catch {
            server.close()
            sandbox?.close()
            throw error
        }
        server.state.admin.control = AdminState.Control(of: worker)
        hardening.restrict(settings, site: site, as: .serving)
        self.hardening = hardening
        if let worker {
            watchdog = Watchdog(every: Self.wordMilliseconds) { [server] in
                server.metrics.refresh()
                worker.say(.alive)
            }
        } else {
            greet()
        }
        warn()
    }

    /// How long the end waits until everything that is to be written has been sent.
    private static let lastMilliseconds: UInt64 = 2000
    /// Between two signs of life of a worker; also the age of its figures on another worker's page of metrics.
    private static let wordMilliseconds: UInt64 = 1000

    /// Takes the helper processes.
    func use(_ processes: CacheProcesses) { server.state.files?.use(processes) }

    private func greet() {
        let greeting = StartupBanner.lines(
            settings, ports: server.ports, adminPort: server.adminPort, sandbox: site)
        for line in greeting + hardening.notices { log.notice("\(line)") }
        for line in hardening.warnings { log.warning("\(line)") }
        notify?.ready(status)
        if let notify, let milliseconds = notify.watchdogMilliseconds {
            watchdog = Watchdog(every: milliseconds) { notify.alive() }
        }
    }

    /// Takes up what changed in the files, all of it or, if anything is wrong, nothing.
    func reload() {
        guard !server.state.drainState.isDraining else {
            // It is about to end, with its present settings: no process has to wait for it.
            worker?.say(.reloaded)
            return
        }
        notify?.reloading()
        switch Reload.decide(settings, read()) {
        case .success(let reload):
            take(reload)
            worker?.say(.reloaded)
        case .failure(let refusal):
            log.error("\(refusal)")
            worker?.say(.notReloaded)
        }
        notify?.ready(status)
    }

    private func take(_ reload: Reload) {
        settings = reload.settings
        threshold.level = settings.logLevel.level
        server.use(settings, token: site?.origin.token ?? settings.token, tls: reload.tls)
        if worker == nil {
            log.notice("\(reload.summary)")
            if let warning = reload.restartWarning { log.warning("\(warning)") }
            if let warning = hardening.portWarning(settings) { log.warning("\(warning)") }
        }
        warn()
    }

    private func warn() {
        guard worker?.speaksForAll ?? true else { return }
        certificate.watch(server.listener.tls, settings)
        for warning in settings.warnings { log.warning("\(warning)") }
        for warning in FilePermissions(settings).warnings { log.warning("\(warning)") }
        for warning in server.listener.tls.warnings { log.warning("\(warning)") }
        if let warning = DescriptorLimit.warning(settings, of: DescriptorLimit.current) { log.warning("\(warning)") }
    }

    func announceStop() {
        guard let notify else { return }
        log.notice("\(Self.stopping)")
        notify.stopping("Stopping, requests in flight: \(server.state.drainState.inFlight)")
    }

    func stop() async {
        let cut = await server.stop(settings)
        if cut > 0 {
            log.warning("Requests cut off because they did not finish within drain_timeout: \(cut).")
        }
        keys?.sendUses()
        server.state.observer?.sendUses()
        server.state.usage?.send()
        state?.sendAll(milliseconds: Self.lastMilliseconds)
        sandbox?.close()
        output.flush()
    }

    nonisolated static let stopping = "Stopping: requests in flight may finish; another signal ends at once."

    private var status: String { "Listening on \(StartupBanner.ports(server.ports))" }
}
