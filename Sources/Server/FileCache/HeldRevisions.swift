import EventIO
import Glibc

/// The revisions that were asked for last, in memory: read from the disk a part at a time, so that nobody waits long for a large one.
@EventLoop
final class HeldRevisions {
    private struct Loaded {
        let path: String
        /// Which file it was.
        let stamp: [Int]
        let revision: HeldRevision
    }

    private static let most = 8
    private static let partBytes = 256 << 10
    private static let entriesAPart = 500

    private let directory: CacheDirectory
    private var loaded: [Loaded] = []

    init(_ directory: CacheDirectory) {
        self.directory = directory
    }

    /// Nil where it is not there or damaged.
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
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        let (buffer, hash) = (FileBuffer(capacity: Self.partBytes), IncrementalSHA256())
        while bytes.count < size {
            guard case .bytes(let count) = file.readWaiting(into: buffer, at: bytes.count, count: size - bytes.count),
                count > 0
            else { return nil }
            let content = min(count, max(0, size - 32 - bytes.count))
            unsafe hash.add(UnsafeBufferPointer(rebasing: buffer.bytes[..<content]))
            unsafe bytes.append(contentsOf: buffer.bytes)
            await EventLoop.sleep(milliseconds: 0)
        }
        guard hash.finish().elementsEqual(bytes.suffix(32)), var reading = HeldRevisionReading(bytes) else {
            return nil
        }
        while reading.entries.count < reading.count {
            guard reading.read(Self.entriesAPart) else { return nil }
            await EventLoop.sleep(milliseconds: 0)
        }
        return reading.finish()
    }
}
