import EventIO
import Glibc

/// Reads a piece that is left from another start of the gateway, and checks whether it still is what was fetched.
@EventLoop
final class PieceCheck: LoopWork {
    var isQueued = false
    private let piece: Int
    private let entry: PieceEntry
    private let blob: Blob
    private let hash = IncrementalSHA256()
    private lazy var reading = BlobReading(blob, for: self)
    private var position: Int

    init(_ piece: Int, _ entry: PieceEntry, of blob: Blob) {
        self.piece = piece
        self.entry = entry
        self.blob = blob
        position = blob.layout.range(of: piece).lowerBound
    }

    func turn() {
        let end = blob.layout.range(of: piece).upperBound
        switch reading.read(at: position, count: end - position) {
        case .bytes(let count) where count > 0:
            unsafe hash.add(blob.cache.buffer.bytes)
            position += count
            guard position == end else { return blob.cache.turns.add(self) }
            blob.checked(piece, entry, isRight: hash.finish() == entry.digest)
        case .later, .unknown: break
        case .failed(let error) where error.code == ETIMEDOUT: blob.uncheckable(error)
        // The file is shorter than before, or the disk does not give it.
        case .bytes, .failed: blob.checked(piece, entry, isRight: false)
        }
    }
}
