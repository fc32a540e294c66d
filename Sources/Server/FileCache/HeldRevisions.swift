import EventIO
import Glibc

/// The revisions that were asked for last, in memory: read from the disk a part at a time, so that a large one does not block the loop.
@EventLoop
final class HeldRevisions {
    /// Enough of a revision to decide whether a request is answered from it.
    struct Head {
        let commit: String
        let isOpen: Bool
    }

    private struct Name: Hashable {
        let repo: RepoKey
        let revision: String
    }

    private struct Loaded {
        let path: String
        /// Identifies the file.
        let stamp: [Int]
        let revision: HeldRevision
    }

    private static let most = 8
    private static let partBytes = 256 << 10
    private static let entriesAPart = 200
    private static let mostHeads = 4096
    /// How long a head that another process has changed may still be used, in milliseconds.
    private static let headMilliseconds: UInt64 = 1000
    /// After so many tries, each of which was evicted again, the loop waits for the disk.
    private static let mostTries = 8

    let directory: CacheDirectory
    /// Waits for the disk in the place of this process. Nil: this process waits itself.
    var disk: DiskReader?
    private var loaded: [Loaded] = []
    /// Of names that were asked for last; nil: there is no such revision here.
    private var heads: [Name: Head?] = [:]
    private var headsLooked = MonotonicInstant(nanoseconds: 0)
    /// The directory's time of change at the last look.
    private var changed: [Int]?

    init(_ directory: CacheDirectory) {
        self.directory = directory
    }

    /// Nil where the revision is not here.
    func head(of revision: String, in repo: RepoKey) -> Head? {
        look()
        let name = Name(repo: repo, revision: revision)
        if let known = heads[name] { return known }
        let found = directory.commit(of: revision, in: repo).flatMap { commit in
            directory.head(of: repo, commit: commit).map { Head(commit: commit, isOpen: $0.isOpen) }
        }
        if heads.count >= Self.mostHeads { heads = [:] }
        heads[name] = .some(found)
        return found
    }

    /// This process has changed the revisions.
    func forgetHeads() { heads = [:] }

    /// Forgets heads where another process has changed the revisions.
    private func look() {
        guard MonotonicInstant.now.milliseconds(since: headsLooked) >= Self.headMilliseconds else { return }
        headsLooked = .now
        var status = stat()
        let now =
            unsafe stat(directory.revisions, &status) == 0
            ? [Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec] : nil
        // Two changes within a second may have the same time.
        let isSettled = time(nil) - status.st_mtim.tv_sec > 1
        if now != changed || !isSettled { heads = [:] }
        changed = now
    }

    /// Nil where the revision does not exist or is damaged.
    func find(_ repo: RepoKey, commit: String) async -> HeldRevision? {
        let path = directory.path(of: repo, commit: commit)
        guard let stamp = Self.stamp(path) else { return nil }
        if let index = loaded.firstIndex(where: { $0.path == path }) {
            let found = loaded.remove(at: index)
            if found.stamp == stamp {
                loaded.append(found)
                return found.revision
            }
        }
        guard let revision = await read(path), revision.repo == repo, revision.commit == commit else { return nil }
        loaded.removeAll { $0.path == path }
        if loaded.count >= Self.most { loaded.removeFirst() }
        loaded.append(Loaded(path: path, stamp: stamp, revision: revision))
        return revision
    }

    private static func stamp(_ path: String) -> [Int]? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }

    private func read(_ path: String) async -> HeldRevision? {
        guard let file = try? StoredFile(path, .read), let size = file.size,
            (33...HeldRevision.mostBytes).contains(size)
        else { return nil }
        // It may be replaced meanwhile.
        _ = file.share(CacheDirectory.use)
        var share = TurnShare()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        let (buffer, hash) = (FileBuffer(capacity: Self.partBytes), IncrementalSHA256())
        while bytes.count < size {
            guard await read(file, bytes.count..<size, into: buffer) else { return nil }
            let content = min(buffer.count, max(0, size - 32 - bytes.count))
            unsafe hash.add(UnsafeBufferPointer(rebasing: buffer.bytes[..<content]))
            unsafe bytes.append(contentsOf: buffer.bytes)
            await share.pause()
        }
        guard hash.finish().elementsEqual(bytes.suffix(32)), var reading = HeldRevisionReading(bytes) else {
            return nil
        }
        while reading.entries.count < reading.count {
            guard reading.read(Self.entriesAPart) else { return nil }
            await share.pause()
        }
        return await reading.finish(&share)
    }

    /// Reads a range as soon as it is in memory. False: it does not come.
    private func read(_ file: StoredFile, _ range: Range<Int>, into buffer: FileBuffer) async -> Bool {
        for _ in 0..<Self.mostTries {
            guard let disk, !disk.isOver else { break }
            switch file.read(into: buffer, at: range.lowerBound, count: range.count) {
            case .bytes(let count): return count > 0
            case .failed: return false
            case .later, .unknown:
                let end = min(range.upperBound, range.lowerBound + Self.partBytes)
                let isHere = Awaited<Bool>()
                disk.read(file, range.lowerBound..<end) { isHere.settle($0 == nil) }
                guard await isHere.value() ?? false else { return false }
            }
        }
        guard case .bytes(let count) = file.readWaiting(into: buffer, at: range.lowerBound, count: range.count) else {
            return false
        }
        return count > 0
    }
}
