import EventIO

/// The part of a piece that has come.
@EventLoop
final class PieceInProgress {
    private(set) var piece: Int
    /// In the file: all bytes of the piece before it are written.
    private(set) var position: Int
    /// From where all of it has come; nil: from several places, or nothing has come.
    private(set) var origin: ConfirmedAddresses.Key?
    private let hash = IncrementalSHA256()

    init(_ piece: Int, at position: Int) {
        (self.piece, self.position) = (piece, position)
    }

    /// What comes from here on is from that address. `isNew`: nothing of the piece has come before.
    func comes(from key: ConfirmedAddresses.Key, isNew: Bool) {
        origin = isNew || origin == key ? key : nil
    }

    func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe hash.add(bytes)
        position += bytes.count
    }

    /// The piece is whole: returns its SHA-256, and goes on with the next.
    func finish() -> [UInt8] {
        piece += 1
        return hash.finish()
    }
}
