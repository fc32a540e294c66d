import EventIO
import Glibc
import HTTP
import Hub

/// The file cache of one process: `cache_dir`, which all processes of the machine share. Files in a store are kept by their content, and who may
/// have one is asked of the Hub each time, or of what it has just said (`ResolvedFiles`).
///
/// Where the disk fails, caching stops for a while, and serving goes on.
@EventLoop
final class FileCache {
    /// After a failure of the disk it is tried again, in milliseconds.
    private static let retryMilliseconds: UInt64 = 30_000

    let directory: CacheDirectory
    let resolved: ResolvedFiles
    /// Revisions that were pulled.
    let held: HeldRevisions
    let turns = LoopTurns.shared
    /// All reads go through it, one after the other.
    let buffer = FileBuffer(capacity: BlobReading.pieceBytes)
    let pool: TransferPool
    let admission: CallAdmission
    let metrics: Metrics
    let peers: Peers
    /// Addresses at which stores have what the cache has: by samples of it, or as all of it has come from there.
    var confirmed = ConfirmedAddresses()
    /// Those at which a store has something of the file's size.
    var there = ConfirmedAddresses()
    /// Who waits for a store's word on an address.
    var confirming: [ConfirmationSubject: [@EventLoop (StoreWord) -> Void]] = [:]
    /// Names this start of the gateway, the same in all its processes.
    let generation: UInt64
    /// So many bytes that are left of a file are fetched though nobody waits for them.
    private(set) var finish: Int
    private var size: CacheSize
    /// Whether the disk takes what is fetched.
    private(set) var isOn = true
    /// Whether the disk gives what it has.
    private(set) var isReadable = true
    /// Waits for the disk in the place of this process. Nil: it waits itself.
    private(set) var disk: DiskReader?
    /// Nil: another process of the machine has what makes room.
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

    /// What works beside this process.
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

    // MARK: who reads

    /// Answers from here on. False: it has to be done without the cache.
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

    /// Whether there could be room for so many bytes, if all else went.
    private func mayTake(_ bytes: Int) -> Bool {
        if case .bytes(let most) = size { return bytes <= most }
        return bytes <= mostBytes
    }

    /// The most that all files may take together.
    var mostBytes: Int { CacheRoom.most(size, at: directory.path) }

    /// What makes way for another size is what a store has not.
    private func open(_ answer: FileAnswer) -> Blob? {
        open(answer.name, answer.layout, isSure: answer.isSizeSure && isThere(answer))
    }

    /// Nil for what the cache does not take. `isSure`: the size is the Hub's word.
    func open(_ name: BlobName, _ layout: BlobLayout, isSure: Bool = true) -> Blob? {
        guard mayTake(layout.size) else { return nil }
        if let blob = blobs[name], blob.file.isLinked, !blob.isSpoiled {
            if blob.layout == layout {
                blob.isSizeSure = blob.isSizeSure || isSure
                return blob
            }
            // Of two sizes one is wrong: another of the Hub's is a fault of its own, and a client's makes way.
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
            // One that is too large for the file system, of another size, or one too many open at once, is no fault of the disk's.
            if ![EFBIG, EEXIST, EMFILE, ENFILE].contains(error.code) { stop(error) }
            return nil
        }
    }

    func isOpen(_ name: BlobName) -> Bool { blobs[name] != nil }

    /// While the disk takes nothing, what is whole is served still.
    private func openFile(_ name: BlobName, _ layout: BlobLayout, isSure: Bool) throws(FileError) -> BlobFile? {
        guard isReadable else { return nil }
        guard isOn else {
            let file = try? BlobFile(existing: name, isComplete: true, in: directory, access: .read)
            return file?.layout == layout ? file : nil
        }
        return try BlobFile.open(name, layout, in: directory, now: WallClock.now.seconds, mayReplace: isSure)
    }

    /// Somebody has begun to read it: what makes room has to know it in time.
    func note(_ file: BlobFile) { sweep?.say(.opened(file.name, isComplete: file.isComplete)) }

    /// The gateway ends: nothing is filled, read or looked at any more. What is open refers to this and this to it.
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

    /// Outside of what is going on now.
    func later(_ work: @escaping @EventLoop @Sendable () -> Void) { EventLoop.post(work) }

    // MARK: what goes wrong

    /// The disk is full, broken, gone or not to be written to: nothing is kept for a while.
    func stop(_ error: FileError) { stop(error.description) }

    /// It gives nothing, either.
    func stopReading(_ error: FileError) {
        isReadable = false
        stop(error)
        retry.start(milliseconds: Self.retryMilliseconds)
    }

    /// Nothing more is kept where the file system has hardly any room: the last of it is others'.
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

    /// What is wrong with a file, in words that go on after its name.
    func foundCorrupt(_ name: BlobName, _ reason: String, _ place: MetricLabels.Corruption) {
        metrics.add(.fileCacheCorrupt, at: place.rawValue)
        warn("The file \(name.hex) of cache_dir: \(reason).")
    }
}
