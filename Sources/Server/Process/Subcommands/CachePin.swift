import ArgumentParser
import EventIO
import Hub

struct CachePin: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep the files of what was pulled, even if their room is needed.",
        discussion:
            "With a revision its files stay; without one those of all revisions of the repository, and of those that are pulled later."
    )

    @Argument(help: "acme/model or acme/model@main.") var repository: String
    @OptionGroup var kind: CacheKind
    @OptionGroup var cache: CacheOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let settings = try cache.settings()
        let (repo, revision) = try kind.read(repository)
        let pin = CacheDirectory.Pin(repo: repo, revision: revision)
        let directory = try cache.directory()
        let outcome: CachePins.Outcome
        do throws(CachePins.Refusal) {
            outcome = try CachePins(
                directory: directory, cacheSize: CacheRoom.most(settings.cacheSize, at: directory.path)
            ).add(pin)
        } catch {
            throw SubcommandFailure(code: error.code, reason: error.reason)
        }
        if json { return KeyOutput.print(outcome.json) }
        Console.print("Pinned: \(outcome.files.counting("file")) of \(repository), \(outcome.bytes) bytes.\n")
    }
}

struct CacheUnpin: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin", abstract: "Undo pin: the files may be removed when their room is needed.")

    @Argument(help: "As it was pinned: acme/model or acme/model@main.") var repository: String
    @OptionGroup var kind: CacheKind
    @OptionGroup var cache: CacheOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let (repo, revision) = try kind.read(repository)
        let directory = try cache.directory()
        let outcome: CachePins.Outcome
        do throws(CachePins.Refusal) {
            outcome = try CachePins(directory: directory, cacheSize: 0)
                .remove(CacheDirectory.Pin(repo: repo, revision: revision))
        } catch {
            throw SubcommandFailure(code: error.code, reason: error.reason)
        }
        if json { return KeyOutput.print(outcome.json) }
        Console.print("Unpinned: \(repository).\n")
    }
}

/// Orders a running gateway to fetch what a repair has removed.
enum CacheRepair {
    /// Revisions whose files cannot be read.
    static func damagedRevisions(in directory: CacheDirectory) -> [(repo: RepoKey, commit: String)] {
        directory.held().filter { directory.revision($0.repo, commit: $0.commit) == nil }
    }

    /// Orders to fetch again what pulled revisions have lost.
    static func refetch(
        _ removed: Set<BlobName>, _ lost: [(repo: RepoKey, commit: String)], in directory: CacheDirectory
    ) throws(SubcommandFailure) {
        var orders = lost.map { PullOrder.again($0.repo, $0.commit, []) }
        for (repo, commit) in directory.held() {
            guard let revision = directory.revision(repo, commit: commit) else { continue }
            let paths = revision.entries.filter { $0.content.map { removed.contains($0) } ?? false }.map(\.path)
            guard !paths.isEmpty else { continue }
            orders.append(PullOrder.again(repo, commit, paths.map { PathFilter.literal($0) }))
        }
        guard !orders.isEmpty else { return }
        do throws(FileError) {
            for order in orders { try directory.note(order) }
        } catch {
            throw SubcommandFailure(code: Exit.inputOutput, reason: "\(directory.orders.shown): \(error)")
        }
        Console.print(
            "Fetched again by \(directory.isServed ? "the gateway" : "the gateway, when it runs"): \(orders.count.counting("revision")); "
                + "`hubgate cache pull --list` shows how far it is.\n")
    }
}

extension PullOrder {
    /// So many single paths are named in an order; if there are more, the order is for all that is missing.
    fileprivate static func again(_ repo: RepoKey, _ commit: String, _ paths: [String]) -> PullOrder {
        let include = PathFilter.fault(paths) == nil ? paths : []
        return PullOrder(
            id: newID(now: KeyInput.now), repo: repo, revision: commit, include: include,
            orderedBy: "\(UserAccount.currentName) on the command line (verify --repair)", placed: KeyInput.now)
    }
}

extension PathFilter {
    /// A pattern that matches this path alone.
    static func literal(_ path: String) -> String {
        String(path.flatMap { "*?[".contains($0) ? Array("[\($0)]") : [$0] })
    }
}
