import EventIO
import Glibc

/// The program: reads its task, carries it out, and reports how it ended.
enum Program {
    /// What is to be done after the command line has been read.
    private enum Start {
        case ended(Int32)
        case probe(Settings)
        case serve(OneShotSettings)
    }

    static func run(arguments: [String]) -> Int32 {
        Console.claim()
        ProcessMemory.keepPrivate()
        // A full disk or a file size limit is an error to report, and must not end the process.
        signal(SIGXFSZ, SIG_IGN)
        if let code = Subcommands.run(arguments) { return code }
        switch start(arguments) {
        case .ended(let code): return code
        case .probe(let settings): return onLoop { await Probe.run(settings) ? Exit.ok : Exit.failure }
        case .serve(let settings): return serve(settings, arguments)
        }
    }

    private static func read(_ arguments: [String]) -> Result<Command, SettingsError> {
        Command.read(arguments: arguments, environment: Environment.all, files: SystemFiles.read)
    }

    private static func start(_ arguments: [String]) -> Start {
        switch read(arguments) {
        case .failure(let error):
            Console.error(error.description)
            return .ended(Exit.config)
        case .success(.print(let text)):
            Console.print(text)
            return .ended(Exit.ok)
        case .success(.version):
            Console.print("hubgate \(Version.number) (\(Libraries.versions))\n")
            return .ended(Exit.ok)
        case .success(.check(let settings)): return .ended(check(settings))
        case .success(.probe(let settings)): return .probe(settings)
        case .success(.serve(let settings)): return .serve(OneShotSettings(settings))
        }
    }

    /// Runs the loop on this thread until `work` is done.
    static func onLoop(_ work: @escaping @EventLoop @Sendable () async -> Int32) -> Int32 {
        let result = ExitCode()
        EventLoop.task {
            result.value = await work()
            EventLoop.stop()
        }
        EventLoop.run()
        return EventLoop.assumeIsolated { result.value }
    }

    private static func check(_ settings: Settings) -> Int32 {
        let files = FileChecks(settings)
        // If it cannot be used the gateway starts all the same, and serves files without keeping them.
        let cache = CacheDirectory(path: settings.cacheDirectory)
        let fault = settings.cacheDirectory.isEmpty ? nil : cache.fault
        if let fault { Console.error("hubgate: cache_dir: \(fault)\n") }
        guard filesAreGood(files), fault == nil else { return Exit.config }
        let warnings = settings.warnings + FilePermissions(settings).warnings + files.warnings
        for warning in [settings.tokenNotice].compactMap(\.self) + warnings {
            Console.error("hubgate: warning: \(warning)\n")
        }
        Console.print("The settings are good.\n")
        return Exit.ok
    }

    /// Checks the files that the settings name, and reports what is wrong with them.
    private static func filesAreGood(_ files: FileChecks) -> Bool {
        let faults = files.faults
        for fault in faults { Console.error("hubgate: \(fault)\n") }
        return faults.isEmpty
    }

    private static func serve(_ settings: OneShotSettings, _ arguments: [String]) -> Int32 {
        guard filesAreGood(settings.files) else { return Exit.config }
        settings.keepSigningKey()
        let workers = settings.workers.resolved(processors: Processors.count)
        // The state process is a child of a parent that has no loop.
        do throws(CError) {
            guard workers > 1 || settings.asksForKeys else { return try serve(settings, arguments, workingAs: nil) }
            switch try Supervisor(settings.take(), workers: workers, read: { read(arguments) }).run() {
            case .ended(let code): return code
            case .worker(let worker, let settings): return try serve(settings, arguments, workingAs: worker)
            case .state(let process, let settings): return process.run(restrictedBy: settings.take())
            case .sandbox(let line, let limits, let sandboxing):
                return onLoop { await SandboxProcess.serve(line: line, limits, sandboxing: sandboxing) }
            }
        } catch {
            Console.error("hubgate: \(error)\n")
            return Exit.unavailable
        }
    }

    /// The helper processes are started while there is no loop.
    private static func serve(
        _ settings: OneShotSettings, _ arguments: [String], workingAs worker: Worker?
    ) throws(CError) -> Int32 {
        switch try CacheProcesses.start(settings, as: worker) {
        case .parent(let processes): onLoop { await serve(settings, arguments, as: worker, beside: processes) }
        case .child(let code): code
        }
    }

    @EventLoop private static func serve(
        _ settings: OneShotSettings, _ arguments: [String], as worker: Worker?, beside processes: CacheProcesses?
    ) async -> Int32 {
        // Before the program reports that it runs: without a handler each signal would end it at once.
        let (stopping, reloading) = (StopSignals(endsAtSecond: worker == nil), ReloadSignal())
        let service: Service
        do throws(CError) {
            service = try Service(settings.take(), as: worker) { read(arguments) }
            if let processes { service.use(processes) }
        } catch {
            Console.error("hubgate: \(error)\n")
            return Exit.unavailable
        }
        reloading.reload = { service.reload() }
        if let worker {
            ChildProcess.unblockSignals()
            worker.say(.serving)
        }
        await stopping.first()
        service.announceStop()
        await service.stop()
        withExtendedLifetime((stopping, reloading)) {}
        return Exit.ok
    }
}

/// The program's exit code.
@EventLoop
private final class ExitCode {
    var value: Int32 = 0
    nonisolated init() {}
}

/// The program's exit codes; the names are those of sysexits.h.
enum Exit {
    static let ok: Int32 = 0
    static let failure: Int32 = 1
    static let unavailable: Int32 = 69
    /// The output file cannot be made.
    static let cannotCreate: Int32 = 73
    static let config: Int32 = 78
}

/// The process's environment variables.
enum Environment {
    static var all: [String: String] {
        var found: [String: String] = [:]
        var entry = unsafe environ as UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
        while let text = unsafe entry.pointee {
            let line = unsafe String(cString: text)
            if let equals = line.firstIndex(of: "=") {
                found[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
            unsafe entry = entry.advanced(by: 1)
        }
        return found
    }
}
