import EventIO
import Glibc
import HTTP
import Hub

/// The file cache of one process: `cache_dir`, which all processes of the machine share. Files of stores are kept by their content; whether a client
/// may have one is asked of the Hub each time, or known from its last response (`ResolvedFiles`).
///
/// Where the disk fails, caching stops for a while, and serving goes on.
@EventLoop
final class FileCache {
    /// How long after a failure of the disk it is tried again, in milliseconds.
    private static let retryMilliseconds: UInt64 = 30_000

    let directory: CacheDirectory
    let resolved: ResolvedFiles
    /// Revisions that were pulled.
    let held: HeldRevisions
    let turns = LoopTurns.shared
    /// For all reads, one after the other.
    let buffer = FileBuffer(capacity: BlobReading.pieceBytes)
    let pool: TransferPool
    let admission: CallAdmission
    let metrics: Metrics
    let peers: Peers
    /// Addresses at which stores have what the cache has: by samples of it, or as all of it has come from there.
    var confirmed = ConfirmedAddresses()
    /// Those at which a store has something of the file's size.
    var found = ConfirmedAddresses()
    /// The callbacks of requests that wait for the result of asking a store about an address.
    var confirming: [ConfirmationSubject: [@EventLoop (StoreResult) -> Void]] = [:]
    /// Names this start of the gateway, the same in all its processes.
    let generation: UInt64
    /// When at most so many bytes of a file are missing, they are fetched even without readers.
    private(set) var finish: Int
    private var size: CacheSize
    /// Whether the disk can be written.
    private(set) var isOn = true
    /// Whether the disk can be read.
    private(set) var isReadable = true
    /// Waits for the disk in the place of this process. Nil: this process waits itself.
    private(set) var disk: DiskReader?
    /// Nil: another process of the machine has the sweeper.
    private var sweep: SweepLink?
    private let warn: (String) -> Void
    private var blobs: [BlobName: Blob] = [:]
    private lazy var retry = Timer { [weak self] in self?.begin() }

    /// Nil where `cache_dir` is off.
    init?(
        _ settings: Settings, pool: TransferPool, admission: CallAdmission, metrics: Metrics, epochs: WriteEpochs,
        warn: @escaping (String) -> Void
    ) {
        guard !settings.cacheDirectory.isEmpty else { return nil }
        directory = CacheDirectory(path: settings.cacheDirectory)
        resolved = ResolvedFiles(settings, epochs: epochs)
        held = HeldRevisions(directory)
        self.pool = pool
        self.admission = admission
        self.metrics = metrics
        self.warn = warn
        peers = Peers(settings, metrics: metrics, warn: warn)
        generation = UInt64(littleEndianBytes: Array(SharedSecret.derive("file cache generation").prefix(8))) | 1
        finish = settings.cacheFinish.bytes
        size = settings.cacheSize
        metrics.set(.fileCacheUp, to: 1)
    }

    /// Takes the helper processes.
    func use(_ processes: CacheProcesses) {
        disk = DiskReader(processes.reading, warn: warn)
        held.disk = disk
        sweep = processes.sweeping.map { SweepLink($0, metrics: metrics, warn: warn) }
    }

    func use(_ settings: Settings) {
        resolved.use(settings)
        peers.use(settings)
        finish = settings.cacheFinish.bytes
        if size != settings.cacheSize { sweep?.say(.size(settings.cacheSize)) }
        size = settings.cacheSize
    }

    // MARK: readers

    /// Serves the response from here on. False: it has to be relayed without the cache.
    func serve(_ answer: FileAnswer, _ exchange: Exchange, _ context: RequestContext) -> Bool {
        guard let blob = open(answer) else { return false }
        FileResponse(answer, of: blob, exchange, context).start()
        return true
    }

    /// Whether all of it is here.
    func holds(_ answer: FileAnswer) -> Bool {
        guard let blob = open(answer) else { return false }
        defer { blob.closeIfIdle() }
        return blob.holds(answer.range)
    }

    /// Whether so many bytes could fit, if all other files went.
    private func mayTake(_ bytes: Int) -> Bool {
        if case .bytes(let most) = size { return bytes <= most }
        return bytes <= mostBytes
    }

    /// The most that all files may take together.
    var mostBytes: Int { CacheRoom.most(size, at: directory.path) }

    /// A file makes way for another size only where a store has something of that size.
    private func open(_ answer: FileAnswer) -> Blob? {
        open(answer.name, answer.layout, isSure: answer.isSizeSure && isFound(answer))
    }

    /// Nil for a file that the cache does not take. `isSure`: the size is from the Hub.
    func open(_ name: BlobName, _ layout: BlobLayout, isSure: Bool = true) -> Blob? {
        guard mayTake(layout.size) else { return nil }
        if let blob = blobs[name], blob.file.isLinked, !blob.isSpoiled {
            if blob.layout == layout {
                blob.isSizeSure = blob.isSizeSure || isSure
                return blob
            }
            // One of two sizes is wrong: if the Hub gave both, the Hub is at fault; a size of a client's makes way.
            guard isSure, !blob.isSizeSure, !blob.file.isComplete else { return nil }
        }
        do throws(FileError) {
            let file = try openFile(name, layout, isSure: isSure)
            guard let file else { return nil }
            let blob = Blob(file, in: self)
            blob.isSizeSure = isSure
            blobs[name] = blob
            file.use()
            return blob
        } catch {
            // A file that is too large for the file system, of another size, or one too many open files is no fault of the disk's.
            if ![EFBIG, EEXIST, EMFILE, ENFILE].contains(error.code) { stop(error) }
            return nil
        }
    }

    func isOpen(_ name: BlobName) -> Bool { blobs[name] != nil }

    /// While the disk cannot be written, whole blobs are still served.
    private func openFile(_ name: BlobName, _ layout: BlobLayout, isSure: Bool) throws(FileError) -> BlobFile? {
        guard isReadable else { return nil }
        guard isOn else {
            let file = try? BlobFile(existing: name, isComplete: true, in: directory, access: .read)
            return file?.layout == layout ? file : nil
        }
        return try BlobFile.open(name, layout, in: directory, now: WallClock.now.seconds, mayReplace: isSure)
    }

    /// A reader has begun: the sweeper has to know the file in time.
    func note(_ file: BlobFile) { sweep?.say(.opened(file.name, isComplete: file.isComplete)) }

    /// The gateway stops: nothing is filled, read or checked any more. Blobs and this refer to each other.
    func close() {
        let open = blobs.values
        blobs = [:]
        for blob in open { blob.end() }
        retry.stop()
        (disk, held.disk, sweep) = (nil, nil, nil)
    }

    func close(_ blob: Blob) {
        if blobs[blob.name] === blob { blobs[blob.name] = nil }
    }

    /// Runs `work` later, outside of what is going on now.
    func later(_ work: @escaping @EventLoop @Sendable () -> Void) { EventLoop.post(work) }

    // MARK: faults

    /// The disk is full, broken, missing or read-only: nothing is kept for a while.
    func stop(_ error: FileError) { stop(error.description) }

    /// The disk cannot be read either.
    func stopReading(_ error: FileError) {
        isReadable = false
        stop(error)
        retry.start(milliseconds: Self.retryMilliseconds)
    }

    /// Keeps nothing more where the file system has hardly any room: the reserve is for other programs.
    func leaveRoom() {
        guard isOn, let room = CacheRoom(of: directory.path), room.isShort else { return }
        stop("\(FileError(ENOSPC)), but for the last \(room.reserve >> 20) MiB, which are left to others")
    }

    private func stop(_ reason: String) {
        guard isOn else { return }
        isOn = false
        metrics.set(.fileCacheUp, to: 0)
        warn(
            "cache_dir: \(directory.path.shown): \(reason). Files are served without it; it is tried again in \(Self.retryMilliseconds / 1000) s."
        )
        for blob in blobs.values { blob.stopFilling() }
        retry.start(milliseconds: Self.retryMilliseconds)
    }

    private func begin() {
        (isOn, isReadable) = (true, true)
        metrics.set(.fileCacheUp, to: 1)
    }

    /// Reports what is wrong with a file. `reason` follows its name.
    func foundCorrupt(_ name: BlobName, _ reason: String, _ place: MetricLabels.Corruption) {
        metrics.add(.fileCacheCorrupt, at: place.rawValue)
        warn("The file \(name.hex) of cache_dir: \(reason).")
    }
}
