import ArgumentParser
import EventIO
import Hub

/// The kind of a repository, as a flag.
struct CacheKind: ParsableArguments {
    @Option(help: ArgumentHelp("model, dataset or space.", valueName: "kind")) var type = "model"

    /// `acme/m@main`: a repository, and the revision where one is named.
    func read(_ text: String) throws(SubcommandFailure) -> (repo: RepoKey, revision: String?) {
        guard let kind = RepoKind(facade: type) else { throw .usage("--type: model, dataset or space") }
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        do throws(Failure) {
            let id = try RepoID(String(parts[0]))
            return (RepoKey(kind, id), try parts.count > 1 ? Revision(String(parts[1])).text : nil)
        } catch {
            throw .usage(
                "\(text.shown) is no repository, such as acme/model or acme/model@main: \(error.detail.withoutFullStop)"
            )
        }
    }
}

struct CacheRevisions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revisions", abstract: "List what was pulled: revisions that can be read without the Hub.")

    @OptionGroup var cache: CacheOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let directory = try cache.directory()
        let (refs, pins) = (directory.refs(), directory.pinnedCommits())
        let rows = directory.held().map { repo, commit -> HeldRow in
            HeldRow(
                repo: repo, commit: commit, revision: directory.revision(repo, commit: commit),
                refs: refs.filter { $0.repo == repo && $0.commit == commit }.map(\.ref),
                isPinned: pins.contains { $0.repo == repo && $0.commit == commit }, directory)
        }
        if json { return KeyOutput.print(.array(rows.map(\.json))) }
        guard !rows.isEmpty else { return Console.print("Nothing was pulled.\n") }
        Console.print(
            TextTable.text(
                ["TYPE", "REPOSITORY", "REVISION", "COMMIT", "FILES", "BYTES", "PULLED", "PINNED"], rows.map(\.cells)))
    }
}

/// How much of a revision is here.
private struct HeldRow {
    let repo: RepoKey
    let commit: String
    let refs: [String]
    let isPinned: Bool
    let isDamaged: Bool
    let taken: Int64
    let files: Int
    let bytes: Int
    private(set) var filesHeld = 0
    private(set) var bytesHeld = 0

    init(
        repo: RepoKey, commit: String, revision: HeldRevision?, refs: [String], isPinned: Bool,
        _ directory: CacheDirectory
    ) {
        (self.repo, self.commit, self.refs, self.isPinned) = (repo, commit, refs, isPinned)
        isDamaged = revision == nil
        taken = revision?.taken ?? 0
        let all = revision?.files ?? []
        (files, bytes) = (all.count, all.reduce(0) { $0 + $1.size })
        for entry in all where entry.size == 0 || (entry.content.map { directory.isHeld($0) } ?? false) {
            filesHeld += 1
            bytesHeld += entry.size
        }
    }

    var json: JSON {
        [
            "type": .string(repo.kind.apiName), "repo": .string(repo.id.text), "commit": .string(commit),
            "revisions": .array(refs.map { .string($0) }), "pinned": .bool(isPinned), "damaged": .bool(isDamaged),
            "pulled": .string(WallClock.iso8601(taken)), "files": .integer(Int64(files)),
            "bytes": .integer(Int64(bytes)),
            "files_held": .integer(Int64(filesHeld)), "bytes_held": .integer(Int64(bytesHeld)),
        ]
    }

    var cells: [String] {
        [
            repo.kind.apiName, repo.id.text, refs.isEmpty ? "-" : refs.joined(separator: ","),
            String(commit.prefix(12)),
            isDamaged ? "damaged" : filesHeld == files ? String(files) : "\(filesHeld) of \(files)",
            bytesHeld == bytes ? String(bytes) : "\(bytesHeld) of \(bytes)", WallClock.iso8601(taken),
            isPinned ? "yes" : "",
        ]
    }
}

struct CacheForget: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract:
            "Forget a pulled revision: it cannot be read without the Hub any more, and its files are removed when room is needed."
    )

    @Argument(help: "A repository, or a revision of it: acme/model or acme/model@main.") var repository: String
    @OptionGroup var kind: CacheKind
    @OptionGroup var cache: CacheOptions

    func run() throws {
        let directory = try cache.directory()
        let (repo, revision) = try kind.read(repository)
        let commits = directory.held(of: CacheDirectory.Pin(repo: repo, revision: revision))
        guard !commits.isEmpty else { throw SubcommandFailure.notThere("nothing of \(repository.shown) was pulled") }
        let contents = commits.reduce(into: Set<BlobName>()) { all, found in
            all.formUnion(directory.revision(found.repo, commit: found.commit)?.contents ?? [])
        }
        for found in commits { directory.forget(found.repo, commit: found.commit) }
        _ = directory.unpin(CacheDirectory.Pin(repo: repo, revision: revision))
        directory.unpin(contents)
        Console.print("Forgotten: \(commits.count.counting("revision")) of \(repo.text).\n")
    }
}
