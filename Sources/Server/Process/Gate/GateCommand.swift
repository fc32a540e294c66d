import ArgumentParser
import EventIO

/// A subcommand that can ask a running gateway, with `--gate URL`. Its output is the same as without.
protocol GateCommand: ParsableCommand {
    @EventLoop func run(at gate: GateClient) async throws
}

extension Subcommands {
    /// Runs the subcommand in `arguments` at the gateway that `options` name. The exit code.
    static func run(_ arguments: [String], at options: GateOptions) throws -> Int32 {
        guard let first = arguments.first else {
            throw SubcommandFailure.usage("\(GateOptions.flag) URL takes a subcommand, such as: keys list")
        }
        if let flag = ["--state-dir", "--config", "--cache-dir"].first(where: { flag in
            arguments.contains { $0 == flag || $0.hasPrefix(flag + "=") }
        }) {
            throw SubcommandFailure.usage(
                "\(flag) names what is on this machine, and \(GateOptions.flag) asks a gateway: give one of them")
        }
        guard words.contains(first) else {
            throw SubcommandFailure.usage(
                "\(GateOptions.flag) URL takes a subcommand, and \(first.shown) is none: `hubgate --help`")
        }
        if let failure = MistypedCommand.below(arguments) { throw failure }
        return Program.onLoop {
            do {
                // Parsed here, since a command is no value that could be handed over.
                try await run(try HubgateCommand.parseAsRoot(arguments), at: options)
                return Exit.ok
            } catch {
                return report(error)
            }
        }
    }

    @EventLoop
    private static func run(_ command: any ParsableCommand, at options: GateOptions) async throws {
        guard let asking = command as? any GateCommand else {
            // Help needs no gateway, and is what this throws.
            if "\(type(of: command))" == "HelpCommand" {
                var command = command
                return try command.run()
            }
            throw SubcommandFailure.usage(
                "the admin API has nothing for this command: run it on the gateway's machine, without \(GateOptions.flag)"
            )
        }
        let client = try GateClient(options)
        do {
            try await asking.run(at: client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
