import ArgumentParser
import EventIO
import Glibc
import Hub

struct CacheExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write pulled revisions into a directory that can be taken to another site.",
        discussion: """
            The directory is one that Hugging Face's libraries read by themselves (HF_HUB_CACHE, with HF_HUB_OFFLINE=1); `hubgate cache import` takes it \
            into another gateway's cache. Each file's hash is checked on the way: one that is wrong is named and left out, and the command ends with 1.
            """)

    @Argument(help: "The directory to make; it may be there and empty.", completion: .directory) var directory: String
    @Argument(help: "Repositories, such as acme/model or acme/model@main.") var repositories: [String]
    @OptionGroup var kind: CacheKind
    @OptionGroup var cache: CacheOptions

    func run() throws {
        let source = try cache.directory()
        let wanted = try repositories.map { (text) throws(SubcommandFailure) in try kind.read(text) }
        var revisions: [(revision: HeldRevision, ref: String)] = []
        for (repo, revision) in wanted {
            let ref = revision ?? "main"
            guard let commit = source.commit(of: ref, in: repo) else {
                throw SubcommandFailure.notThere(
                    "\(repo.text) at \(ref.shown) was not pulled: `hubgate cache revisions` shows what was")
            }
            guard let found = source.revision(repo, commit: commit) else {
                throw SubcommandFailure(
                    code: Exit.dataError,
                    reason: "what is known of \(repo.text) at \(ref.shown) is damaged: pull it again")
            }
            revisions.append((found, ref))
        }
        try makeEmpty()
        var (written, left, wrong) = (0, 0, 0)
        for (revision, ref) in revisions {
            let tree = HubTree(root: directory, repo: revision.repo)
            do throws(FileError) {
                let outcome = try tree.write(revision, ref: ref, from: source)
                (written, left, wrong) = (written + outcome.written, left + outcome.absent, wrong + outcome.wrong.count)
                for path in outcome.wrong {
                    Console.error(
                        "hubgate: \(path.shown) of \(revision.repo.text): what is kept is not the file; left out\n")
                }
            } catch {
                throw SubcommandFailure(code: Exit.inputOutput, reason: "\(directory.shown): \(error)")
            }
        }
        if left > 0 {
            Console.error("hubgate: \(left.counting("file")) \(left == 1 ? "is" : "are") not kept here: left out\n")
        }
        Console.print(
            "Wrote \(written.counting("file")) of \(revisions.count.counting("revision")) into \(directory).\n")
        if wrong > 0 {
            throw SubcommandFailure(
                code: Exit.failure,
                reason:
                    "\(wrong.counting("file")) \(wrong == 1 ? "is" : "are") damaged: `hubgate cache verify --repair` has them fetched again"
            )
        }
    }

    private func makeEmpty() throws(SubcommandFailure) {
        if unsafe mkdir(directory, 0o755) == 0 { return }
        let number = errno
        guard number == EEXIST, let names = HubTree.names(in: directory, followed: true) else {
            throw .notMade(directory, number)
        }
        guard names.isEmpty else {
            throw .usage("\(directory.shown) is there already, and not empty; nothing in it was touched")
        }
    }
}
