internal import Glibc
internal import Hub
internal import Logging

/// The program: reads what it is asked to do, does it, and says how it ended.
enum Program {
    /// Exit codes; the names are those of sysexits.h.
    private enum Exit {
        static let ok: Int32 = 0
        static let failure: Int32 = 1
        static let unavailable: Int32 = 69
        static let config: Int32 = 78
    }

    static func run(arguments: [String]) -> Int32 {
        Console.claim()
        switch Command.read(arguments: arguments, environment: Environment.all, files: SystemFiles.read) {
        case .failure(let error):
            Console.error(error.description)
            return Exit.config
        case .success(.print(let text)):
            Console.print(text)
            return Exit.ok
        case .success(.version):
            Console.print("hubgate \(Version.number) (\(Libraries.versions))\n")
            return Exit.ok
        case .success(.check(let settings)):
            return check(settings)
        case .success(.probe(let settings)):
            return onLoop { await Probe.run(settings) ? Exit.ok : Exit.failure }
        case .success(.serve(let settings)):
            return onLoop { await serve(settings) }
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
        do throws(CError) {
            _ = try TLSContext(certificate: settings.tlsCertificate, key: settings.tlsKey)
        } catch {
            Console.error("hubgate: tls_cert: \(error)\n")
            return Exit.config
        }
        Console.print("The settings are good.\n")
        return Exit.ok
    }

    @EventLoop private static func serve(_ settings: Settings) async -> Int32 {
        let form = LogForm(settings.logFormat, isTerminal: isatty(STDOUT_FILENO) == 1)
        let log = Logger(label: "hubgate") { _ in GatewayLogHandler(level: settings.logLevel.level, form: form) }
        let output = Output(descriptor: STDOUT_FILENO)
        var sandbox: SandboxServer?
        let server: Server
        do throws(CError) {
            sandbox = settings.sandbox ? try SandboxServer() : nil
            server = try Server(
                settings, origin: sandbox?.origin ?? Server.Origin(settings),
                log: AccessLog(output: output, form: form, isOn: settings.accessLog))
        } catch {
            sandbox?.close()
            Console.error("hubgate: \(error)\n")
            return Exit.unavailable
        }
        for line in Greeting.lines(settings, port: server.port, adminPort: server.adminPort) { log.notice("\(line)") }
        await StopSignals.first { log.notice("Stopping: requests in flight may finish; another signal ends at once.") }
        await server.stop()
        sandbox?.close()
        output.flush()
        return Exit.ok
    }
}

/// The code with which the program ends.
@EventLoop
private final class ExitCode {
    var value: Int32 = 0
    nonisolated init() {}
}
