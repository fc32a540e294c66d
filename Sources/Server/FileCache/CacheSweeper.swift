import EventIO
import Glibc

/// Makes room in `cache_dir`: one process of the machine does, the one that has its lock. It knows what is there by looking through the directories, a
/// few files a turn, in the background: nobody waits for it, at the start neither.
@EventLoop
final class CacheSweeper {
    private static let stepMilliseconds: UInt64 = 20
    private static let idleMilliseconds: UInt64 = 1000
    private static let filesAStep = 32
    /// In microseconds.
    private static let longestStep = 1000
    private static let passedAStep = 64
    /// Of files that are being filled it is looked how many of them have grown, in a step.
    private static let partialAStep = 256

    private struct Known {
        var bytes: Int
        var hits: UInt64
    }

    private unowned let cache: FileCache
    private let lockNumber = 0..<1
    private var lock: StoredFile?
    /// By the directory that it is in.
    private var known = [[BlobName: Known]](repeating: [:], count: CacheDirectory.parts.count)
    private var bytes = 0
    private var partial: [BlobName] = []
    private var queue = Sieve<BlobName>()
    /// Names of the present directory that were not looked at yet.
    private var names: ArraySlice<String> = []
    private var seen: Set<BlobName> = []
    /// The directory that is looked through, or will be next.
    private var part = 0
    private var isLooking = false
    /// When each directory was changed last, as far as it was looked through.
    private var changed = [Int](repeating: 0, count: CacheDirectory.parts.count)
    private lazy var timer = Timer { [weak self] in self?.step() }

    init(_ cache: FileCache) {
        self.cache = cache
    }

    func start() { timer.start(milliseconds: Self.stepMilliseconds) }

    /// A file that was opened here: known at once, so that there is room for it in time.
    func note(_ file: BlobFile) {
        guard lock != nil else { return }
        // Whoever has opened it is counted next.
        add(file.name, isComplete: file.isComplete, hits: (file.header?.hits ?? 0) &+ 1)
        if bytes > cache.size { timer.start(milliseconds: 0) }
    }

    private func step() {
        guard hasLock else { return timer.start(milliseconds: Self.idleMilliseconds) }
        look()
        lookAtPartial()
        evict()
        let isBusy = part < CacheDirectory.parts.count || bytes > cache.size
        if part == CacheDirectory.parts.count { part = 0 }
        timer.start(milliseconds: isBusy ? Self.stepMilliseconds : Self.idleMilliseconds)
    }

    private var hasLock: Bool {
        if lock != nil { return true }
        guard let file = try? StoredFile(cache.directory.lockPath, .write), file.claim(lockNumber) else { return false }
        lock = file
        return true
    }

    // MARK: what is there

    private func look() {
        if !isLooking { openNext() }
        guard isLooking else { return }
        let began = MonotonicInstant.now
        for _ in 0..<Self.filesAStep where hasTime(since: began) {
            guard let name = names.popFirst() else { break }
            look(at: name)
        }
        guard names.isEmpty else { return }
        for name in known[part].keys where !seen.contains(name) { forget(name) }
        isLooking = false
        part += 1
    }

    /// Goes on to the next directory that has changed.
    private func openNext() {
        while part < CacheDirectory.parts.count {
            let directory = cache.directory.blobs + "/" + CacheDirectory.parts[part]
            var status = stat()
            let isThere = unsafe stat(directory, &status) == 0
            let time = isThere ? status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec : 0
            if time != changed[part] {
                changed[part] = time
                (names, seen, isLooking) = ((SystemFiles.list(directory) ?? [])[...], [], true)
                return
            }
            part += 1
        }
    }

    private func look(at fileName: String) {
        guard let (name, isComplete) = CacheDirectory.blob(fileName) else { return }
        guard known[name.part][name] == nil else {
            seen.insert(name)
            return
        }
        guard let file = try? BlobFile(existing: name, isComplete: isComplete, in: cache.directory) else {
            // The rest of a crash, unless somebody is about to make it.
            let path = cache.directory.path(of: name, isComplete: isComplete)
            var status = stat()
            if unsafe stat(path, &status) == 0, status.st_mtim.tv_sec < time(nil) - 60 { unsafe unlink(path) }
            return
        }
        add(name, isComplete: isComplete, hits: file.header?.hits ?? 0)
    }

    private func add(_ name: BlobName, isComplete: Bool, hits: UInt64) {
        seen.insert(name)
        guard known[name.part][name] == nil else { return }
        let size = usage(of: name, isComplete: isComplete) ?? 0
        if !isComplete { partial.append(name) }
        known[name.part][name] = Known(bytes: size, hits: hits)
        queue.insert(name)
        bytes += size
        report()
    }

    /// What it takes of the disk: of one that is not whole, as much as is there. Nil where it is not.
    private func usage(of name: BlobName, isComplete: Bool) -> Int? {
        var status = stat()
        guard unsafe stat(cache.directory.path(of: name, isComplete: isComplete), &status) == 0 else { return nil }
        return Int(status.st_blocks) * 512
    }

    /// Those that were not whole when they were looked at last grow, or are whole by now.
    private func lookAtPartial() {
        let some = partial.prefix(Self.partialAStep)
        partial.removeFirst(some.count)
        for name in some where known[name.part][name] != nil {
            let now = usage(of: name, isComplete: false)
            if now != nil { partial.append(name) }
            guard let size = now ?? usage(of: name, isComplete: true) else { continue }
            bytes += size - (known[name.part][name]?.bytes ?? 0)
            known[name.part][name]?.bytes = size
        }
        if !some.isEmpty { report() }
    }

    private func forget(_ name: BlobName) {
        guard let gone = known[name.part].removeValue(forKey: name) else { return }
        queue.remove(name)
        bytes -= gone.bytes
        report()
    }

    private func report() {
        cache.metrics.set(.fileCacheBytes, to: bytes)
        cache.metrics.set(.fileCacheFiles, to: queue.count)
    }

    // MARK: what goes

    /// One file may take longer, of a disk that is slow: others have their turn behind it.
    private func hasTime(since began: MonotonicInstant) -> Bool {
        MonotonicInstant.now.microseconds(since: began) < Self.longestStep
    }

    private func evict() {
        let began = MonotonicInstant.now
        while bytes > cache.size, hasTime(since: began) {
            guard let name = queue.evict(passing: Self.passedAStep, isKept: { isWanted($0) }) else { return }
            for isComplete in [true, false] {
                unsafe unlink(cache.directory.path(of: name, isComplete: isComplete))
            }
            bytes -= known[name.part].removeValue(forKey: name)?.bytes ?? 0
            cache.metrics.add(.fileCacheEvictions)
        }
        report()
    }

    /// Whether it was asked for since it was looked at last, or is being filled.
    private func isWanted(_ name: BlobName) -> Bool {
        for isComplete in [true, false] {
            guard let file = try? BlobFile(existing: name, isComplete: isComplete, in: cache.directory) else {
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
