import EventIO

/// Reads of a blob that do not wait for the disk: what is not in memory is asked for, and the work gets another turn when it may be there.
@EventLoop
final class BlobReading {
    /// Into the one buffer of all.
    static let pieceBytes = 64 * 1024
    /// What is fetched from the disk ahead of who reads.
    private static let aheadBytes = 1 << 20
    private static let waits: [UInt64] = [1, 2, 4, 8, 16]
    /// After so many waits it is read whatever it takes: a disk that is broken says so only then.
    private static let mostWaits = 250

    private let blob: Blob
    private weak var work: (any FileWork)?
    private lazy var timer = Timer { [weak self] in self?.goOn() }
    private var waited = 0
    /// Until here the disk was asked for what comes; 0 while all is in memory.
    private var askedUpTo = 0

    init(_ blob: Blob, for work: any FileWork) {
        self.blob = blob
        self.work = work
    }

    /// Reads at most `pieceBytes` into the cache's buffer. After `.later` the work gets a turn.
    func read(at offset: Int, count: Int) -> StoredFile.Outcome {
        let count = min(count, Self.pieceBytes)
        let outcome = blob.file.read(into: blob.cache.buffer, at: offset, count: count)
        guard case .later = outcome else {
            waited = 0
            // Nothing is asked for where nothing was missing.
            if askedUpTo > 0, offset + Self.aheadBytes / 2 > askedUpTo { ask(from: max(askedUpTo, offset)) }
            return outcome
        }
        guard waited < Self.mostWaits else {
            waited = 0
            return blob.file.readWaiting(into: blob.cache.buffer, at: offset, count: min(count, 4096))
        }
        if waited % 16 == 0 { ask(from: offset) }
        timer.start(milliseconds: Self.waits[min(waited, Self.waits.count - 1)])
        waited += 1
        return .later
    }

    private func ask(from offset: Int) {
        guard offset < blob.layout.size else { return }
        blob.file.readAhead(at: offset, count: Self.aheadBytes)
        askedUpTo = offset + Self.aheadBytes
    }

    private func goOn() {
        if let work { blob.cache.turns.add(work) }
    }
}
