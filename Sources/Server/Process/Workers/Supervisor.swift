import EventIO
import Glibc
import Logging
import Sandbox

/// The parent of workers: starts them, starts another for each that dies, and passes on the operator's signals. It serves no client and has
/// no event loop, since a child could not share one.
final class Supervisor {
    /// What this process is when `run` returns: the parent at its end, or one of its children at their beginning.
    enum Outcome {
        case ended(Int32)
        case worker(Worker, OneShotSettings)
        case sandbox(line: Int32, SandboxLimits?, sandboxing: Bool)
        case state(StateProcess, OneShotSettings)
    }

    /// The last valid ones: the next worker begins with them.
    var settings: Settings
    let read: Service.Reader
    let log: Logger
    let threshold: SharedLogLevel
    let notify = SystemdNotifier(Environment.all)
    let signals: ParentSignals
    let terminal = ControllingTerminal()
    let ports: [PortReservation]
    let adminPort: PortReservation?
    /// The last valid one: the next worker begins with it.
    var tls: TLSContext
    private let output = NonblockingDescriptor(STDOUT_FILENO)
    private(set) var hardening = Hardening()
    let slots: MetricSlots
    /// Nil except with `access = keys`. Made here, so that all workers count in the same memory.
    private let rates: KeyRates?
    let quotas: QuotaWords?
    let epochs: WriteEpochs
    private let budgets = BudgetLedger()
    /// Nil where there is one worker, or no cache.
    let metadata: SharedMetadata?
    var sandbox: SandboxProcess?
    var places: [WorkerSlot]
    /// Nil except with `access = keys`.
    var stateProcess: StateProcessSlot?
    /// All workers have served once, and that was reported.
    var isUp = false
    var isStopping = false
    var reload: ReloadUnderWay?
    /// SIGHUP came while a reload was under way.
    var reloadsAgain = false
    var nextFeed = MonotonicInstant.now.milliseconds
    /// The exit code; nil as long as it goes on.
    var verdict: Int32?
    /// Requests were lost during the stop, or a fault caused the stop.
    var hasFailed = false

    /// Takes the addresses and reads the key, then becomes the user of the settings. Throws where one of these is not possible.
    init(_ settings: Settings, workers: Int, read: @escaping Service.Reader) throws(CError) {
        let threshold = SharedLogLevel(settings.logLevel.level)
        let form = LogEncoding(settings.logFormat, isTerminal: isatty(STDOUT_FILENO) == 1)
        self.settings = settings
        self.read = read
        self.threshold = threshold
        log = Logger(label: "hubgate") { _ in GatewayLogHandler(threshold: threshold, form: form) }
        signals = try ParentSignals()
        let ports = try settings.listen.map { (address) throws(CError) in
            try PortReservation(address.host, port: address.port)
        }
        let adminPort = try settings.adminListen.map { (address) throws(CError) in
            try PortReservation(address.host, port: address.port)
        }
        self.ports = ports
        self.adminPort = adminPort
        slots = MetricSlots(workers: workers)
        rates = settings.access == .keys ? KeyRates() : nil
        quotas = settings.access == .keys ? QuotaWords(workers: workers) : nil
        epochs = WriteEpochs()
        places = try (1...workers).map { (number) throws(CError) in
            let sockets = try ports.map { (port) throws(CError) in try port.join() }
            return WorkerSlot(number: number, sockets: sockets, adminSocket: try adminPort?.join())
        }
        slots.describe()
        // Made here and not in each worker: a URL that one worker has signed is opened by another.
        SharedSecret.make()
        let keeps = workers > 1 && settings.cacheMemory.bytes > 0
        metadata = keeps ? SharedMetadata(bytes: settings.cacheMemory.bytes) : nil
        _ = SignedURLKey.ofThisStart
        tls = try TLSContext.make(settings)
        try hardening.dropPrivileges(settings)
        if settings.access == .keys { stateProcess = try StateProcessSlot(settings, workers: workers, log: log) }
    }

    func run() throws(CError) -> Outcome {
        if settings.sandbox {
            switch try SandboxProcess.fork() {
            case .child(let line):
                return .sandbox(line: line, settings.sandboxLimits, sandboxing: settings.sandboxing)
            case .parent(let process): sandbox = process
            case nil: return .ended(Exit.unavailable)
            }
        }
        noteCertificate(tls)
        hardening.restrict(settings, site: sandbox?.site, as: .supervisor)
        stateProcess?.due = 0
        for index in places.indices { places[index].due = 0 }
        while true {
            if let outcome = startStateProcess() ?? fill() { return outcome }
            signals.wait(orFor: places.compactMap { $0.child?.line }, milliseconds: untilDue)
            while let signal = signals.next() { take(signal) }
            listen()
            finishReloadIfDone()
            stateProcess?.links.flush()
            feedWatchdog()
            if let verdict {
                endChildren()
                return .ended(verdict)
            }
        }
    }

    /// Starts workers that are due; returns in a child only.
    private func fill() -> Outcome? {
        for index in places.indices {
            guard let due = places[index].due, due <= MonotonicInstant.now.milliseconds else { continue }
            do throws(CError) {
                switch try ChildProcess.fork() {
                case .parent(let child):
                    places[index].retained(by: child)
                    if isUp { slots[.workerRestarts] += 1 }
                case .child(let line): return asWorker(places[index], line: line)
                }
            } catch {
                log.error("Worker \(places[index].number): \(error).")
                // This counts as a life of no length: the next attempt waits longer.
                places[index].began = .now
                _ = places[index].left()
                failStart(Exit.unavailable)
            }
        }
        return nil
    }

    private func asWorker(_ place: WorkerSlot, line: Int32) -> Outcome {
        let worker = Worker(
            number: place.number, ports: ports.map(\.port), adminPort: adminPort?.port, sockets: place.sockets,
            adminSocket: place.adminSocket, tls: tls, output: output, slots: slots, epochs: epochs,
            budgets: budgets, metadata: metadata, sandbox: sandbox?.site, line: line, count: places.count,
            state: stateProcess?.links.take(worker: place.number), rates: rates,
            quotas: quotas)
        // The child's copy of its parent's memory must not keep a token that a reload replaces.
        defer { (settings, reload) = (Settings(), nil) }
        return .worker(worker, OneShotSettings(settings))
    }

    private func take(_ signal: Int32) {
        switch signal {
        case SIGCHLD:
            while let end = ChildProcess.ended() { note(end) }
        case SIGHUP:
            if !terminal.isGone { startReload() } else if !isStopping { stop() }
        default: stop()
        }
    }

    /// Reads the workers' messages.
    private func listen() {
        for index in places.indices {
            for byte in places[index].child?.said() ?? [] {
                places[index].heard = .now
                switch WorkerMessage(rawValue: byte) {
                case .serving: serves(index)
                case .reloaded: answered(index, didReload: true)
                case .notReloaded: answered(index, didReload: false)
                case .wantsReload: startReload()
                case .wantsStop: if !isStopping { stop() }
                case .alive, nil: break
                }
            }
        }
    }

    private func serves(_ index: Int) {
        places[index].isServing = true
        countWorkers()
        if isUp {
            log.notice("Worker \(places[index].number) serves again (pid \(places[index].child?.pid ?? 0)).")
        } else if places.allSatisfy(\.isServing) {
            isUp = true
            greet()
        }
    }

    private func greet() {
        let greeting = StartupBanner.lines(
            settings, ports: ports.map(\.port), adminPort: adminPort?.port, sandbox: sandbox?.site,
            workers: places.count)
        for line in greeting + hardening.notices { log.notice("\(line)") }
        for line in hardening.warnings { log.warning("\(line)") }
        notify.ready(status)
    }

    var status: String {
        "Listening on \(StartupBanner.ports(ports.map(\.port))), workers: \(places.count { $0.isServing })"
    }

    func countWorkers() {
        slots[.workers] = UInt64(places.count { $0.isServing })
    }
}
