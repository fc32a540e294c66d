import ArgumentParser
import EventIO
import Hub

/// `hubgate cache purge`: drops what the gateway keeps of the Hub's responses in memory.
struct CachePurge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Drop cached responses: what was fetched before now is not served again.",
        discussion:
            "For what has changed at the Hub and not through the gateway: what is kept lives for metadata_ttl, files of a commit longer. It takes "
            + "access = keys; in another access nothing outlives a restart of the gateway."
    )

    /// How long the gateway is waited for, in milliseconds: it looks several times a second.
    private static let patience = 3000
    private static let pause: UInt32 = 50

    @Argument(help: "Repositories: owner/name, whatever their kind; with --all none.") var repositories: [String] = []
    @Flag(help: "Of all repositories.") var all = false
    @OptionGroup var state: StateOptions

    func validate() throws {
        guard repositories.isEmpty == all else {
            throw ValidationError("Name repositories, or give --all.")
        }
    }

    func run() throws {
        let ids = try repositories.map(Self.id)
        let orders: [RepoID?] = all ? [nil] : ids
        try state.withDatabase { database in
            let purges = CachePurges(database: database)
            for order in orders { try purges.order(order, now: KeyInput.now) }
            let began = MonotonicInstant.now
            var left = orders
            while !left.isEmpty {
                left = try left.filter { try purges.isPending($0) }
                if left.isEmpty { break }
                guard MonotonicInstant.now.milliseconds(since: began) < UInt64(Self.patience) else {
                    for order in left { try purges.withdraw(order) }
                    throw SubcommandFailure(
                        code: Exit.unavailable,
                        reason:
                            "no gateway with access = keys uses the state in \(try state.directory().path.shown). With other access, "
                            + "restart the gateway to drop what it keeps")
                }
                Pause.sleep(milliseconds: Self.pause)
            }
        }
        Console.print(all ? "Dropped all.\n" : "Dropped: \(ids.map(\.text).joined(separator: ", ")).\n")
    }

    private static func id(_ text: String) throws(SubcommandFailure) -> RepoID {
        do throws(Failure) {
            return try CachePurges.repository(text)
        } catch {
            throw .usage("\(text.shown) is no repository: owner/name")
        }
    }
}
