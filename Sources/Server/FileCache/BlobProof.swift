import EventIO
import Glibc

/// Reads a blob from its beginning to its end, after the fills that write it, and checks that its SHA-256 is its name.
@EventLoop
final class BlobProof: LoopWork {
    var isQueued = false
    private let blob: Blob
    private let hash = IncrementalSHA256()
    private lazy var reading = BlobReading(blob, for: self)
    private var position = 0
    /// Of the pieces that were read; nil before the first.
    private var origin: BlobOrigin?
    private(set) var source: FileSource
    private(set) var address: String
    /// It waits for a piece that no fill here brings.
    private(set) var isStuck = false
    private var isOver = false

    init(of blob: Blob, _ source: FileSource, address: String) {
        self.blob = blob
        self.source = source
        self.address = address
    }

    /// Takes another source: its own may have expired.
    func lend(_ source: FileSource, address: String) {
        (self.source, self.address) = (source, address)
    }

    func turn() {
        guard !isOver, !blob.isSpoiled, !blob.isClosed else { return }
        let piece = blob.layout.piece(at: position)
        switch blob.readiness(of: piece, for: self) {
        case .ready: isStuck = false
        case .soon:
            isStuck = false
            return
        case .missing:
            isStuck = true
            return blob.closeIfIdle()
        }
        switch reading.read(at: position, count: blob.layout.range(of: piece).upperBound - position) {
        case .bytes(let count) where count > 0:
            unsafe hash.add(blob.cache.buffer.bytes)
            position += count
            if position == blob.layout.range(of: piece).upperBound { note(piece) }
            guard position == blob.layout.size else { return blob.cache.turns.add(self) }
            end(isRight: blob.name.isOf(hash.finish()))
        case .later, .unknown: break
        case .bytes: lose(FileError(EIO))
        case .failed(let error):
            // When it is fetched again it may be readable.
            if error.code != ETIMEDOUT, blob.lose(piece, error) { return blob.cache.turns.add(self) }
            lose(error)
        }
    }

    private func note(_ piece: Int) {
        let found = blob.file.entry(of: piece)?.origin ?? .several
        origin = origin == nil || origin == found ? found : .several
    }

    private func lose(_ error: FileError) {
        isOver = true
        blob.unreadable(error)
    }

    private func end(isRight: Bool) {
        isOver = true
        blob.proved(isRight: isRight, origin ?? .several)
    }
}
