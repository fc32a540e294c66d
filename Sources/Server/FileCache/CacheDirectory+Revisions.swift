import EventIO
import Glibc
import HTTP
import Hub

/// `cache_dir/revisions`: `models--acme--m@COMMIT` for a commit, and `models--acme--m@@main` for a branch, with its commit in it. `cache_dir/pins`
/// has an empty file for each repository, or revision of one, whose files stay.
///
/// Files are replaced by a rename, so a reader gets all of one.
extension CacheDirectory {
    /// How many revisions are kept: each is a file in one directory.
    static let mostRevisions = 10_000

    var revisions: String { path + "/revisions" }
    var pins: String { path + "/pins" }
    var orders: String { path + "/orders" }

    func path(of repo: RepoKey, commit: String) -> String { "\(revisions)/\(repo.folder)@\(commit)" }

    /// Nil for a name too long for a file's.
    private func path(of repo: RepoKey, ref: String) -> String? {
        let name = "\(repo.folder)@@\(PercentEncoding.encode(segment: ref))"
        return name.utf8.count <= 250 ? "\(revisions)/\(name)" : nil
    }

    /// The commit that a branch or tag was at when it was pulled, or the commit itself; nil where nothing of it is here.
    func commit(of revision: String, in repo: RepoKey) -> String? {
        var commit = revision
        if !GitNames.isHash(revision) {
            guard let path = path(of: repo, ref: revision), let bytes = try? read(path, atMost: 64) else { return nil }
            commit = String(decoding: bytes, as: UTF8.self)
            guard GitNames.isHash(commit) else { return nil }
        }
        return unsafe access(path(of: repo, commit: commit), R_OK) == 0 ? commit : nil
    }

    /// All but entries and information; nil where the file does not exist or is damaged.
    func head(of repo: RepoKey, commit: String) -> HeldRevisionReading? {
        guard let file = try? StoredFile(path(of: repo, commit: commit), .read) else { return nil }
        let buffer = FileBuffer(capacity: HeldRevisionReading.headBytes)
        guard case .bytes = file.readWaiting(into: buffer, at: 0, count: buffer.capacity) else { return nil }
        let reading = HeldRevisionReading(unsafe Array(buffer.bytes))
        return reading?.repo == repo && reading?.commit == commit ? reading : nil
    }

    /// Waits for the disk. Nil where the file does not exist or is damaged.
    func revision(_ repo: RepoKey, commit: String) -> HeldRevision? {
        guard let bytes = try? read(path(of: repo, commit: commit), atMost: HeldRevision.mostBytes),
            let found = HeldRevision(bytes), found.repo == repo, found.commit == commit
        else { return nil }
        return found
    }

    /// Keeps a revision, and notes that `ref` is at it. Throws what the kernel says; `ENOSPC` where there are as many as allowed.
    func keep(_ revision: HeldRevision, as ref: String?) throws(FileError) {
        try checkRoom(for: revision)
        try replace(path(of: revision.repo, commit: revision.commit), with: revision.bytes)
        if let ref { try note(revision, at: ref) }
    }

    /// Notes that a branch or tag is at it.
    func note(_ revision: HeldRevision, at ref: String) throws(FileError) {
        guard !GitNames.isHash(ref) else { return }
        guard let path = path(of: revision.repo, ref: ref) else { throw FileError(ENAMETOOLONG) }
        try replace(path, with: Array(revision.commit.utf8))
    }

    /// Which commits are here.
    func held() -> [(repo: RepoKey, commit: String)] {
        names(in: revisions).compactMap { repo, rest in GitNames.isHash(rest) ? (repo, rest) : nil }
    }

    /// Which branches and tags are here, and where they were.
    func refs() -> [(repo: RepoKey, ref: String, commit: String)] {
        names(in: revisions).compactMap { repo, rest in
            guard rest.hasPrefix("@") else { return nil }
            let ref = PercentEncoding.decode(rest.dropFirst().utf8)
            return commit(of: ref, in: repo).map { (repo, ref, $0) }
        }
    }

    /// The same of one repository: those of others are not read.
    func refs(of repo: RepoKey) -> [(ref: String, commit: String)] {
        let beginning = repo.folder + "@@"
        return (SystemFiles.list(revisions) ?? []).filter { $0.hasPrefix(beginning) }.compactMap { name in
            let ref = PercentEncoding.decode(name.utf8.dropFirst(beginning.utf8.count))
            return commit(of: ref, in: repo).map { (ref, $0) }
        }
    }

    /// Forgets a commit, and the refs that lead to it.
    func forget(_ repo: RepoKey, commit: String) {
        for found in refs(of: repo) where found.commit == commit {
            if let path = path(of: repo, ref: found.ref) { unsafe unlink(path) }
        }
        unsafe unlink(path(of: repo, commit: commit))
    }

    private func names(in directory: String) -> [(repo: RepoKey, rest: String)] {
        (SystemFiles.list(directory) ?? []).compactMap { Self.parts(of: $0) }
    }

    private static func parts(of name: String) -> (repo: RepoKey, rest: String)? {
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        return RepoKey(folder: String(parts[0])).map { ($0, parts.count > 1 ? String(parts[1]) : "") }
    }

    /// The commit of the file with that name; nil for another file.
    static func commit(named name: String) -> (repo: RepoKey, commit: String)? {
        parts(of: name).flatMap { repo, rest in GitNames.isHash(rest) ? (repo, rest) : nil }
    }

    // MARK: pins

    /// What is pinned: a repository with all that is or will be pulled of it, or one revision.
    struct Pin: Hashable, Sendable {
        let repo: RepoKey
        /// Nil: all revisions.
        let revision: String?

        var text: String { repo.text + (revision.map { "@" + $0 } ?? "") }
    }

    /// The commits here that a pin covers.
    func held(of pin: Pin) -> [(repo: RepoKey, commit: String)] {
        guard let revision = pin.revision else { return held().filter { $0.repo == pin.repo } }
        return commit(of: revision, in: pin.repo).map { [(pin.repo, $0)] } ?? []
    }

    func pinned() -> [Pin] {
        names(in: pins).map { repo, rest in
            Pin(repo: repo, revision: rest.isEmpty ? nil : PercentEncoding.decode(rest.utf8))
        }
    }

    func pin(_ pin: Pin) throws(FileError) { try replace(path(of: pin), with: []) }

    /// False: it was not pinned.
    func unpin(_ pin: Pin) -> Bool { unsafe unlink(path(of: pin)) == 0 }

    private func path(of pin: Pin) -> String {
        "\(pins)/\(pin.repo.folder)" + (pin.revision.map { "@" + PercentEncoding.encode(segment: $0) } ?? "")
    }

    /// The commits that pins keep, of those that are in the cache now.
    func pinnedCommits() -> [(repo: RepoKey, commit: String)] {
        let pins = pinned()
        let held = pins.contains { $0.revision == nil } ? Dictionary(grouping: held(), by: \.repo) : [:]
        return pins.flatMap { $0.revision == nil ? held[$0.repo] ?? [] : self.held(of: $0) }
    }

    // MARK: files

    /// All of a small file. Throws what the kernel says, `EFBIG` for a larger one.
    func read(_ path: String, atMost limit: Int) throws(FileError) -> [UInt8] {
        let file = try StoredFile(path, .read)
        guard let size = file.size, size <= limit else { throw FileError(EFBIG) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        let buffer = FileBuffer(capacity: min(1 << 20, max(1, size)))
        while bytes.count < size {
            switch file.readWaiting(into: buffer, at: bytes.count, count: size - bytes.count) {
            case .bytes(let count) where count > 0: unsafe bytes.append(contentsOf: buffer.bytes)
            case .failed(let error): throw error
            case .bytes, .later, .unknown: throw FileError(EIO)
            }
        }
        return bytes
    }

    /// Replaces a file by one with these bytes.
    func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let new = "\(path[..<slash])/.new-\(UInt64.random(in: 0 ... .max))"
        do throws(FileError) {
            let file = try StoredFile(new, .create)
            try file.write(bytes, at: 0)
            give(new)
            guard unsafe rename(new, path) == 0 else { throw FileError() }
        } catch {
            unsafe unlink(new)
            throw error
        }
    }

    /// A file that root makes gets the owner of the directory: the gateway has to read it.
    func give(_ file: String) {
        var status = stat()
        guard geteuid() == 0, unsafe stat(path, &status) == 0 else { return }
        unsafe lchown(file, status.st_uid, status.st_gid)
    }
}
