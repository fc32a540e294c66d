import EventIO
import HTTP
import Hub

/// The content of a file, as one process works on it: its pieces, the fills that write them and the clients that read them.
///
/// A piece is readable once it is known to be what was fetched: filled in this start of the gateway, or checked by its own SHA-256. From a piece that is being
/// filled here, readers get each byte that is written. The file is right once its SHA-256 is its name; until then a client that reads all of it
/// does not get its end.
@EventLoop
final class Blob {
    enum Piece: UInt8 {
        case unknown, absent
        /// Held since another start of the gateway; not checked yet.
        case unchecked
        case good
    }

    /// So much of a file's end is held back until all of it is known to be right.
    static let heldBack = 64 * 1024
    /// A reader waits for a fill that is at most so many pieces before the one that it needs; these are claimed for the fill.
    static let lookahead = 8
    static let longestLook = 1024 * BlobLayout.pieceBytes
    /// How often the work of other workers is checked, in milliseconds.
    private static let pollMilliseconds: UInt64 = 20

    let name: BlobName
    let layout: BlobLayout
    let file: BlobFile
    let cache: FileCache
    var pieces: [Piece]
    private(set) var readers: [ObjectIdentifier: FileResponse] = [:]
    /// Pulls, which wait for all of it and read nothing.
    var pulls: [BlobPull] = []
    var fills: [BlobFill] = []
    /// Parts of pieces that fills have left.
    var leftovers: [PieceInProgress] = []
    var check: PieceCheck?
    var proof: BlobProof?
    /// Pieces that the disk did not give.
    private var lost: Set<Int> = []
    private var poll: Timer?
    private var isPolling = false
    var isSpoiled = false
    /// The replica that gave bytes of it, if any.
    var giver: String?
    /// The pieces that stores have shown to have at further addresses.
    var shown: Set<Shown> = []
    /// Its size is from the Hub, and not only from a client that may have told it to the Hub.
    var isSizeSure = true
    /// It has no reader, fill or check any more.
    private(set) var isClosed = false

    init(_ file: BlobFile, in cache: FileCache) {
        self.file = file
        self.cache = cache
        name = file.name
        layout = file.layout
        pieces = Array(repeating: .unknown, count: file.layout.pieces)
    }

    // MARK: readers

    func join(_ reader: FileResponse) {
        readers[ObjectIdentifier(reader)] = reader
        file.countHit()
        if readers.count == 1 { cache.note(file) }
    }

    func leave(_ reader: FileResponse) {
        guard readers.removeValue(forKey: ObjectIdentifier(reader)) != nil else { return }
        endUnwanted()
        dropUnwanted()
        closeIfIdle()
    }

    /// Whether a fill goes on to its end without readers: where most of the file is there, or little of it is missing.
    var goesOn: Bool {
        if !pulls.isEmpty { return true }
        let held = min(file.diskBytes, layout.size)
        return held >= layout.size - held || layout.size - held <= cache.finish
    }

    /// Whether all of a range is there. A long range of a file that is not whole is not searched: false.
    func holds(_ range: Range<Int>) -> Bool {
        if file.isComplete { return true }
        guard range.count <= Self.longestLook else { return false }
        return (layout.piece(at: range.lowerBound)...layout.piece(at: range.upperBound - 1)).allSatisfy {
            let state = state(of: $0)
            return state == .good || state == .unchecked
        }
    }

    /// How many bytes can be read from `offset` on, up to `end`. `isWhole`: for a reader of all of the file.
    func readable(from offset: Int, to end: Int, isWhole: Bool) -> Int {
        guard !isSpoiled else { return 0 }
        let piece = layout.piece(at: offset)
        var top = 0
        switch state(of: piece) {
        case .good: top = layout.range(of: piece).upperBound
        case .unchecked: startCheck(of: piece)
        case .absent, .unknown: top = fills.first { $0.piece == piece }?.position ?? 0
        }
        if isWhole, !file.isComplete { top = min(top, layout.size - Self.heldBack) }
        return max(0, min(top, end) - offset)
    }

    /// The disk does not give a piece that it has taken. False: that was so before, too.
    func lose(_ piece: Int, _ error: FileError) -> Bool {
        guard lost.insert(piece).inserted else { return false }
        cache.foundCorrupt(name, "piece \(piece) cannot be read: \(error)", .disk)
        dropPiece(piece)
        return true
    }

    /// Makes sure that there will be something to read at `offset`, and then wakes the reader.
    func fetch(_ offset: Int, for reader: FileResponse) {
        let piece = layout.piece(at: offset)
        switch state(of: piece) {
        case .unchecked: startCheck(of: piece)
        case .good: prove(reader.source, address: reader.address)
        case .absent, .unknown: fill(piece, upTo: layout.piece(at: reader.end - 1) + 1, reader.source, reader.address)
        }
    }

    /// Lets all waiting readers look again.
    func wake() {
        for reader in readers.values where reader.isWaiting { cache.turns.add(reader) }
    }

    func state(of piece: Int) -> Piece {
        if pieces[piece] == .unknown {
            let entry = file.entry(of: piece)
            pieces[piece] = entry.map { $0.generation == cache.generation ? .good : .unchecked } ?? .absent
        }
        return pieces[piece]
    }

    /// Checks the work of other workers later.
    func pollSoon(about piece: Int? = nil) {
        if let piece, pieces[piece] == .absent { pieces[piece] = .unknown }
        guard !isPolling else { return }
        isPolling = true
        if poll == nil { poll = Timer { [weak self] in self?.look() } }
        poll?.start(milliseconds: Self.pollMilliseconds)
    }

    private func look() {
        isPolling = false
        if !file.isComplete, !file.refresh() { return spoil(isOurs: false) }
        if let proof { cache.turns.add(proof) }
        wake()
        closeIfIdle()
    }

    /// The gateway stops.
    func end() {
        isClosed = true
        (readers, pulls, leftovers) = ([:], [], [])
        stopFilling()
        (fills, check, proof, poll) = ([], nil, nil, nil)
    }

    func closeIfIdle() {
        guard !isClosed, readers.isEmpty, pulls.isEmpty, fills.isEmpty, check == nil, proof?.isStuck ?? true else {
            return
        }
        isClosed = true
        (proof, poll) = (nil, nil)
        cache.close(self)
    }
}
