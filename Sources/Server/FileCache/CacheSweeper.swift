import EventIO
import Glibc

/// Makes room in `cache_dir`, in a process of its own, since all of it waits for the disk: reading directories, opening files, and most of
/// all deleting large ones. One process of the machine does it: the one that holds the directory's lock.
final class CacheSweeper {
    private static let pauseMilliseconds = 250
    /// Directories are read after so many pauses; between them only the growth of partial files is checked.
    private static let pausesALook = 4
    /// A file that could not be removed, for example because its directory is read-only, is left alone for so long. Others go in its place.
    private static let faultMilliseconds = 10_000
    /// So many of them at once are a fault of the disk.
    private static let mostFaults = 16

    private struct Known {
        var bytes: Int
        var hits: UInt64
    }

    private let directory: CacheDirectory
    private var size: CacheSize
    private let channel: FileChannel
    private var lock: StoredFile?
    /// By the directory that holds them.
    private var known = [[BlobName: Known]](repeating: [:], count: CacheDirectory.parts.count)
    private var bytes = 0
    private var partial: Set<BlobName> = []
    private var queue = Sieve<BlobName>()
    /// When each directory last changed, as far as it was read.
    private var changed = [Int](repeating: 0, count: CacheDirectory.parts.count)
    /// Files that have lost their names and may still be read.
    private var removed: Set<String> = []
    /// Files that could not be removed or deleted, and when that is tried again.
    private var stuck: [BlobName: MonotonicInstant] = [:]
    private var stuckPaths: [String: MonotonicInstant] = [:]
    /// When the directory of revisions last changed.
    private var revisionsChanged = 0
    private var evictions = 0
    private var reported: SweepReport?
    /// Why something cannot be removed.
    private var fault: FileError?
    private var pauses = 0
    private var isOver = false

    init(_ directory: CacheDirectory, _ size: CacheSize, _ channel: FileChannel) {
        (self.directory, self.size, self.channel) = (directory, size, channel)
    }

    /// Runs until the other process ends.
    func run() {
        while !isOver {
            sweep()
            report()
            channel.wait(milliseconds: Self.pauseMilliseconds)
            receive()
        }
    }

    private func sweep() {
        guard hasLock else { return }
        pauses += 1
        for part in CacheDirectory.parts.indices where pauses % Self.pausesALook == 1 && !isOver && look(part) {
            evict()
            report()
            receive()
        }
        if pauses % Self.pausesALook == 1 { lookAtRevisions() }
        lookAtPartial()
        evict()
        deleteRemoved()
    }

    private var hasLock: Bool {
        if lock != nil { return true }
        guard let file = try? StoredFile(directory.lockPath, .write), file.claim(0..<1) else { return false }
        lock = file
        return true
    }

    // MARK: messages of the process that serves

    private func receive() {
        while true {
            switch channel.receive() {
            case .none: return
            case .ended: return isOver = true
            case .message(let bytes, _):
                switch SweepOrder(bytes) {
                case .size(let size)?: self.size = size
                case .opened(let name, let isComplete)?: note(name, isComplete)
                case nil: break
                }
            }
        }
    }

    /// A file that was opened: noted at once, so that there is room for it in time.
    private func note(_ name: BlobName, _ isComplete: Bool) {
        guard lock != nil, known[name.part][name] == nil else { return }
        _ = look(at: name, isComplete)
    }

    private func report() {
        guard lock != nil else { return }
        let report = SweepReport(bytes: bytes, files: queue.count, evictions: evictions, fault: fault?.code ?? 0)
        guard report != reported, channel.send(report.message) else { return }
        reported = report
    }

    // MARK: what is there

    /// Reads a directory that has changed. False: it has not.
    private func look(_ part: Int) -> Bool {
        let path = directory.blobs + "/" + CacheDirectory.parts[part]
        let time = Self.changeTime(of: path)
        guard time != changed[part] else { return false }
        changed[part] = time
        var seen: Set<BlobName> = []
        let names = SystemFiles.list(path) ?? []
        removed.formUnion(CacheDirectory.removed(among: names).map { path + "/" + $0 })
        for fileName in names {
            guard let (name, isComplete) = CacheDirectory.blob(fileName), name.part == part else { continue }
            if known[part][name] != nil || look(at: name, isComplete) { seen.insert(name) }
        }
        for name in known[part].keys where !seen.contains(name) { forget(name) }
        return true
    }

    /// In nanoseconds; 0 for a file that does not exist.
    private static func changeTime(of path: String) -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return 0 }
        return status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    }

    /// Finds replaced revisions, and drafts that a crash has left.
    private func lookAtRevisions() {
        let time = Self.changeTime(of: directory.revisions)
        guard time != revisionsChanged else { return }
        revisionsChanged = time
        let names = SystemFiles.list(directory.revisions) ?? []
        removed.formUnion(CacheDirectory.removed(among: names).map { directory.revisions + "/" + $0 })
        for name in names where name.hasPrefix(CacheDirectory.draft) {
            let path = directory.revisions + "/" + name
            if Self.changeTime(of: path) / 1_000_000_000 < Glibc.time(nil) - 600 {
                removed.insert(path)
            } else {
                revisionsChanged = 0
            }
        }
    }

    /// False: the file is no blob.
    private func look(at name: BlobName, _ isComplete: Bool) -> Bool {
        if let file = try? BlobFile(existing: name, isComplete: isComplete, in: directory) {
            add(name, isComplete: isComplete, hits: file.header?.hits ?? 0)
            return true
        }
        // A crash has left it, unless another process is about to make it.
        let path = directory.path(of: name, isComplete: isComplete)
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mtim.tv_sec < time(nil) - 60 { unsafe unlink(path) }
        // The directory is read again: a file that is being made may be whole by then.
        changed[name.part] = 0
        return false
    }

    private func add(_ name: BlobName, isComplete: Bool, hits: UInt64) {
        guard known[name.part][name] == nil else { return }
        let size = usage(of: name, isComplete: isComplete) ?? usage(of: name, isComplete: !isComplete) ?? 0
        if !isComplete { partial.insert(name) }
        known[name.part][name] = Known(bytes: size, hits: hits)
        queue.insert(name)
        bytes += size
    }

    /// The bytes that it takes of the disk: of a partial file, as many as are there. Nil for a file that does not exist.
    private func usage(of name: BlobName, isComplete: Bool) -> Int? {
        var status = stat()
        guard unsafe stat(directory.path(of: name, isComplete: isComplete), &status) == 0 else { return nil }
        return Int(status.st_blocks) * 512
    }

    /// Files that were partial before have grown, or are whole by now.
    private func lookAtPartial() {
        for name in partial {
            guard let before = known[name.part][name]?.bytes else {
                partial.remove(name)
                continue
            }
            let now = usage(of: name, isComplete: false)
            if now == nil { partial.remove(name) }
            guard let size = now ?? usage(of: name, isComplete: true) else { continue }
            bytes += size - before
            known[name.part][name]?.bytes = size
        }
    }

    private func forget(_ name: BlobName) {
        guard let gone = known[name.part].removeValue(forKey: name) else { return }
        queue.remove(name)
        partial.remove(name)
        bytes -= gone.bytes
    }

    // MARK: eviction

    private var isOverfull: Bool {
        guard let room = CacheRoom(of: directory.path) else { return false }
        return bytes > room.limit(size, taken: bytes)
    }

    private func evict() {
        forgetStuck()
        while stuck.count + stuckPaths.count < Self.mostFaults, isOverfull {
            guard let name = queue.evict(passing: .max, isKept: { stuck[$0] != nil || isWanted($0) }) else { return }
            do throws(FileError) {
                try directory.discard(name) { removed.insert($0) }
            } catch {
                fault = error
                stuck[name] = .now.advanced(milliseconds: UInt64(Self.faultMilliseconds))
                queue.insert(name)
                continue
            }
            forget(name)
            evictions += 1
            // At once: the free room decides whether more has to go.
            deleteRemoved()
        }
    }

    private func forgetStuck() {
        let now = MonotonicInstant.now
        stuck = stuck.filter { $0.value > now }
        stuckPaths = stuckPaths.filter { $0.value > now }
        if stuck.isEmpty, stuckPaths.isEmpty { fault = nil }
    }

    /// Deletes removed files that no process has open any more.
    private func deleteRemoved() {
        for path in removed where stuckPaths[path] == nil {
            do throws(FileError) {
                if try directory.delete(path) { removed.remove(path) }
            } catch {
                fault = error
                stuckPaths[path] = .now.advanced(milliseconds: UInt64(Self.faultMilliseconds))
            }
        }
    }

    /// Whether it was asked for since the last look, or is being filled or read.
    private func isWanted(_ name: BlobName) -> Bool {
        for isComplete in [true, false] {
            guard let file = try? BlobFile(existing: name, isComplete: isComplete, in: directory) else {
                continue
            }
            if file.isInUse { return true }
            let header = file.header
            if header?.isPinned == true { return true }
            let hits = header?.hits ?? 0
            let last = known[name.part][name]?.hits
            known[name.part][name]?.hits = hits
            return hits != last
        }
        return false
    }
}
