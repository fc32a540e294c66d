import ArgumentParser
import EventIO
import Glibc
import Hub

struct CacheImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract:
            "Import a directory of `hubgate cache export`, or one of huggingface_hub's (HF_HOME/hub), into the cache.",
        discussion: """
            Each file's hash is checked before it is taken: one that is wrong, or that leads out of its repository's directory, is named and left out, and \
            the command ends with 1. What huggingface_hub itself has downloaded is treated as private: it is served to clients that use the gateway's credential.
            """)

    @Argument(help: "The directory; in it is models--acme--m or the like.", completion: .directory) var directory:
        String
    @OptionGroup var cache: CacheOptions

    func run() throws {
        let settings = try cache.settings()
        let target = CacheDirectory(path: settings.cacheDirectory)
        guard let names = HubTree.names(in: directory, followed: true) else {
            throw SubcommandFailure.notRead(directory, errno)
        }
        let repos = names.compactMap { RepoKey(folder: $0) }
        guard !repos.isEmpty else {
            throw SubcommandFailure(
                code: Exit.dataError,
                reason:
                    "\(directory.shown) is no cache of Hugging Face's: no folder in it is called models--…, datasets--… or spaces--…"
            )
        }
        var (revisions, files, faults) = (0, 0, 0)
        do throws(FileError) {
            try target.make()
            let incoming = CacheDirectory(path: target.path + "/incoming")
            try incoming.make()
            defer { incoming.removeAll() }
            for repo in repos {
                let reading = try HubTreeReading(
                    HubTree(root: directory, repo: repo), incoming: incoming, target: target)
                for fault in reading.faults { Console.error("hubgate: \(fault)\n") }
                faults += reading.faults.count
                files += reading.files
                revisions += reading.revisions
            }
        } catch {
            throw SubcommandFailure(code: Exit.inputOutput, reason: "\(target.path.shown): \(error)")
        }
        Console.print("Took \(files.counting("file")) of \(revisions.counting("revision")).\n")
        if faults > 0 {
            throw SubcommandFailure(
                code: Exit.failure, reason: "\(faults.counting("file")) \(faults == 1 ? "was" : "were") not taken")
        }
    }
}

extension CacheDirectory {
    /// Removes what an import has left, and its directories.
    fileprivate func removeAll() {
        for part in Self.parts {
            for name in HubTree.names(in: blobs + "/" + part) ?? [] { unsafe unlink("\(blobs)/\(part)/\(name)") }
            unsafe rmdir(blobs + "/" + part)
        }
        unsafe unlink(lockPath)
        for directory in [blobs, path + "/blobs", revisions, pins, orders, path] { unsafe rmdir(directory) }
    }
}
