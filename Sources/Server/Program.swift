internal import Glibc
internal import Hub

/// The program: reads what it is asked to do, does it, and says how it ended.
enum Program {
    /// Exit codes; the names are those of sysexits.h.
    private enum Exit {
        static let ok: Int32 = 0
        static let failure: Int32 = 1
        static let unavailable: Int32 = 69
        static let config: Int32 = 78
    }

    /// What is left to do when the command line has been read.
    private enum Start {
        case ended(Int32)
        case probe(Settings)
        case serve(Handover)
    }

    static func run(arguments: [String]) -> Int32 {
        Console.claim()
        ProcessMemory.keepPrivate()
        switch start(arguments) {
        case .ended(let code): return code
        case .probe(let settings): return onLoop { await Probe.run(settings) ? Exit.ok : Exit.failure }
        case .serve(let settings): return onLoop { await serve(settings, arguments) }
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
        case .success(.serve(let settings)): return .serve(Handover(settings))
        }
    }

    /// Polls on this thread until `work` is done.
    private static func onLoop(_ work: @escaping @EventLoop @Sendable () async -> Int32) -> Int32 {
        let result = ExitCode()
        EventLoop.task {
            result.value = await work()
            EventLoop.stop()
        }
        EventLoop.run()
        return EventLoop.assumeIsolated { result.value }
    }

    private static func check(_ settings: Settings) -> Int32 {
        guard certificateIsGood((settings.tlsCertificate, settings.tlsKey)) else { return Exit.config }
        Console.print("The settings are good.\n")
        return Exit.ok
    }

    private static func certificateIsGood(_ paths: (certificate: String, key: String)) -> Bool {
        do throws(CError) {
            _ = try TLSContext(certificate: paths.certificate, key: paths.key)
            return true
        } catch {
            Console.error(
                "hubgate: tls_cert, tls_key: \(error). `make certs` makes a pair to try; name yours with tls_cert and tls_key.\n"
            )
            return false
        }
    }

    @EventLoop private static func serve(_ settings: Handover, _ arguments: [String]) async -> Int32 {
        guard certificateIsGood(settings.paths) else { return Exit.config }
        // Before anybody is told that it runs: unheard, each of them would end it at once.
        let (stopping, reloading) = (StopSignals(), ReloadSignal())
        let service: Service
        do throws(CError) {
            service = try Service(settings.take()) { read(arguments) }
        } catch {
            Console.error("hubgate: \(error)\n")
            return Exit.unavailable
        }
        reloading.reload = { service.reload() }
        await stopping.first()
        service.announceStop()
        await service.stop()
        withExtendedLifetime((stopping, reloading)) {}
        return Exit.ok
    }
}

/// Settings that are given on and not kept: a token lives as long as its last holder, and reloads replace it.
@EventLoop
private final class Handover {
    private var settings: Settings?

    let paths: (certificate: String, key: String)

    nonisolated init(_ settings: Settings) {
        self.settings = settings
        paths = (settings.tlsCertificate, settings.tlsKey)
    }

    func take() -> Settings {
        defer { settings = nil }
        return settings ?? Settings()
    }
}

/// The code with which the program ends.
@EventLoop
private final class ExitCode {
    var value: Int32 = 0
    nonisolated init() {}
}
