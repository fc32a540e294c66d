import ArgumentParser
import EventIO
import Glibc
import Hub

/// `hubgate cache`: the files of `cache_dir`, with or without a running gateway, and what a running one keeps in memory.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract:
            "Fetch, pin, export, import, list, check and remove the files in cache_dir; drop cached responses.",
        subcommands: [
            CachePull.self, CacheRevisions.self, CacheList.self, CachePin.self, CacheUnpin.self, CacheForget.self,
            CacheVerify.self, CacheRemove.self, CacheExport.self, CacheImport.self, CachePurge.self,
        ])
}

/// Where the cache is: by the server's settings, unless the flag says it.
struct CacheOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where files are kept.", valueName: "path"), completion: .directory)
    var cacheDir: String?

    @Option(help: ArgumentHelp("The settings file of the gateway.", valueName: "path"), completion: .file())
    var config: String?

    /// `mayBeAbsent`: for what a running gateway does, which has to be there first.
    func directory(mayBeAbsent: Bool = false) throws(SubcommandFailure) -> CacheDirectory {
        let directory = CacheDirectory(path: try settings().cacheDirectory)
        guard unsafe access(directory.path, R_OK | X_OK) != 0 else { return directory }
        let path = directory.path.shown
        switch errno {
        case ENOENT where mayBeAbsent: return directory
        case ENOENT: throw .notThere("cache_dir: there is no directory \(path); the gateway makes it when it starts")
        case EACCES:
            throw SubcommandFailure(
                code: Exit.noPermission,
                reason:
                    "cache_dir: \(path) cannot be read by the user \(UserAccount.currentName); run it as the gateway's user"
            )
        case let number: throw .notThere("cache_dir: \(path): \(SystemError.text(number))")
        }
    }

    func settings() throws(SubcommandFailure) -> Settings {
        let reading = SettingsReading(commandLine: [("cache_dir", cacheDir), ("config", config)])
        if let problem = reading.problems.first(where: { $0.setting == "cache_dir" || $0.setting == "config" }) {
            throw SubcommandFailure(code: Exit.config, reason: problem.description)
        }
        guard !reading.settings.cacheDirectory.isEmpty else {
            throw .notThere("cache_dir is off; name it with --cache-dir, or the file that does with --config")
        }
        return reading.settings
    }

    /// All blobs, or those that are named.
    func blobs(_ names: [String] = []) throws(SubcommandFailure) -> [BlobFile] {
        let directory = try directory()
        let wanted = try names.map { (name) throws(SubcommandFailure) in
            guard let blob = BlobName(name) else {
                throw .usage("\(name.shown) is no SHA-256 in 64 hexadecimal digits")
            }
            return blob
        }
        let all: [(name: BlobName, isComplete: Bool)]
        do throws(FileError) {
            all = try directory.all()
        } catch {
            throw .notThere("cache_dir: \(directory.path.shown): \(error)")
        }
        if let absent = wanted.first(where: { name in !all.contains { $0.name == name } }) {
            throw .notThere("there is no \(absent.hex) in \(directory.path.shown)")
        }
        // A blob that is removed meanwhile is left out.
        return all.filter { wanted.isEmpty || wanted.contains($0.name) }.compactMap {
            try? BlobFile(existing: $0.name, isComplete: $0.isComplete, in: directory, access: .read)
        }
    }
}

struct CacheList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the files, by their SHA-256, and how much of each is there.")

    @OptionGroup var cache: CacheOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let rows = try cache.blobs().map { BlobSummary($0, held: BlobCheck($0, isDeep: false).held) }
        show(rows.map(\.json))
    }

    /// As they are printed for programs: by the state of this machine, or by a gateway.
    func show(_ files: [JSON]) {
        guard !json else { return KeyOutput.print(.array(files)) }
        guard !files.isEmpty else { return Console.print("No file is kept.\n") }
        Console.print(
            TextTable.text(
                ["SHA-256", "SIZE", "HELD", "HITS", "SINCE", "PINNED"],
                files.map { file in
                    func text(_ name: String) -> String { file[name]?.stringValue ?? "" }
                    func number(_ name: String) -> String { "\(file[name]?.integerValue ?? 0)" }
                    let held = file["complete"] == .bool(true) ? "all" : number("held")
                    let pinned = file["pinned"] == .bool(true) ? "yes" : ""
                    return [text("sha256"), number("size"), held, number("hits"), text("created"), pinned]
                }))
    }
}

struct CacheVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read the files, and list those that are damaged.",
        discussion:
            "Ends with 0 if all files are good, with 1 if one is not. --repair removes those, and has a running gateway fetch again what "
            + "pulled revisions need of them.")

    @Argument(help: "Files, by their SHA-256; without one all files are read.") var names: [String] = []
    @OptionGroup var cache: CacheOptions
    @Flag(help: "Remove the damaged ones; those of pulled revisions are fetched again.") var repair = false

    func run() throws {
        let blobs = try cache.blobs(names)
        let directory = try cache.directory()
        var (damaged, removed) = (0, Set<BlobName>())
        for blob in blobs {
            let check = BlobCheck(blob, isDeep: true)
            guard !check.isGood else { continue }
            damaged += 1
            let what =
                check.damaged.isEmpty
                ? "its SHA-256 is another"
                : "pieces \(check.damaged.map(String.init).joined(separator: ", ")) are damaged"
            if repair {
                try blob.remove(from: directory)
                removed.insert(check.name)
            }
            Console.error("hubgate: \(check.name.hex): \(what)\(repair ? "; removed" : "")\n")
        }
        let lost = names.isEmpty ? CacheRepair.damagedRevisions(in: directory) : []
        for (repo, commit) in lost {
            if repair { directory.forget(repo, commit: commit) }
            Console.error(
                "hubgate: \(repo.text) at \(commit): what is known of it is damaged\(repair ? "; forgotten" : "")\n")
        }
        if repair { try CacheRepair.refetch(removed, lost, in: directory) }
        guard damaged == 0 && lost.isEmpty || repair else {
            throw SubcommandFailure(
                code: Exit.failure,
                reason:
                    "\(damaged + lost.count) of \(blobs.count.counting("file")) \(damaged + lost.count == 1 ? "is" : "are") damaged; --repair removes them"
            )
        }
        Console.print(
            "Good: \((blobs.count - damaged).counting("file"))\(damaged > 0 ? ", removed: \(damaged)" : "").\n")
    }
}

struct CacheRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove files. A download under way still gets the whole file.")

    @Argument(help: "Files, by their SHA-256.") var names: [String] = []
    @Flag(help: "Remove all.") var all = false
    @OptionGroup var cache: CacheOptions

    func run() throws {
        guard all != !names.isEmpty else {
            throw SubcommandFailure.usage("name the files by their SHA-256, or say --all")
        }
        let directory = try cache.directory()
        let blobs = try cache.blobs(names)
        for blob in blobs { try blob.remove(from: directory) }
        Console.print("Removed: \(blobs.count.counting("file")).\n")
    }
}

extension BlobFile {
    /// Removes its name. If a client reads it, the gateway deletes it after that.
    fileprivate func remove(from directory: CacheDirectory) throws(SubcommandFailure) {
        do throws(FileError) {
            try directory.remove(name)
        } catch {
            throw SubcommandFailure(code: 74, reason: "\(name.hex): \(error)")
        }
    }
}
