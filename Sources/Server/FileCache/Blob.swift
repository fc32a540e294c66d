import EventIO
import HTTP
import Hub

/// The content of a file, as one process works on it: its pieces, who fills them and who reads them.
///
/// A piece is readable once it is known to be what was fetched: filled in this start of the gateway, or checked by its own SHA-256. Of what is being
/// filled here, readers get each byte that is written. All of the file is right once its SHA-256 is its name; until then who reads it from its
/// beginning to its end does not get the end.
@EventLoop
final class Blob {
    private enum Piece: UInt8 {
        case unknown, absent
        /// Held, since another start of the gateway: nobody knows what has become of it.
        case unchecked
        case good
    }

    /// So much of a file's end is held back until all of it is known to be right.
    static let heldBack = 64 * 1024
    /// Whoever wants a piece waits for a fill that is at most so many pieces before it; these are claimed for the fill.
    static let lookahead = 8
    private static let longestLook = 1024 * BlobLayout.pieceBytes
    /// How often it is looked what other workers have done, in milliseconds.
    private static let pollMilliseconds: UInt64 = 20

    let name: BlobName
    let layout: BlobLayout
    let file: BlobFile
    let cache: FileCache
    private var pieces: [Piece]
    private var readers: [ObjectIdentifier: FileResponse] = [:]
    private(set) var fills: [BlobFill] = []
    /// Of fills that broke off: what they had of a piece.
    private var leftovers: [PieceInProgress] = []
    private var check: PieceCheck?
    private var proof: BlobProof?
    private var poll: Timer?
    private var isPolling = false
    private(set) var isSpoiled = false
    /// Nobody reads, fills or checks it any more.
    private(set) var isClosed = false

    init(_ file: BlobFile, in cache: FileCache) {
        self.file = file
        self.cache = cache
        name = file.name
        layout = file.layout
        pieces = Array(repeating: .unknown, count: file.layout.pieces)
    }

    // MARK: who reads

    func join(_ reader: FileResponse) {
        readers[ObjectIdentifier(reader)] = reader
        file.countHit()
    }

    func leave(_ reader: FileResponse) {
        guard readers.removeValue(forKey: ObjectIdentifier(reader)) != nil else { return }
        if readers.isEmpty {
            for fill in fills where !finishes(fill) { fill.cancel() }
        }
        closeIfIdle()
    }

    /// Whether a fill goes on that nobody waits for: where most of the file is there, or little is left of it.
    private func finishes(_ fill: BlobFill) -> Bool {
        fill.position * 2 >= layout.size || layout.size - fill.position <= cache.finish
    }

    /// Whether all of a range is there. Of a long one that is not whole that is not looked for.
    func holds(_ range: Range<Int>) -> Bool {
        if file.isComplete { return true }
        guard range.count <= Self.longestLook else { return false }
        return (layout.piece(at: range.lowerBound)...layout.piece(at: range.upperBound - 1)).allSatisfy {
            let state = state(of: $0)
            return state == .good || state == .unchecked
        }
    }

    /// How many bytes can be read from `offset` on, up to `end`. `isWhole`: by who reads all of the file.
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

    /// Sees to it that there is something to read at `offset`, and then wakes the reader.
    func fetch(_ offset: Int, for reader: FileResponse) {
        let piece = layout.piece(at: offset)
        switch state(of: piece) {
        case .unchecked: startCheck(of: piece)
        case .good: prove(reader.source, address: reader.address)
        case .absent, .unknown: fill(piece, upTo: layout.piece(at: reader.end - 1) + 1, reader.source, reader.address)
        }
    }

    /// Has everybody look again who waits.
    func wake() {
        for reader in readers.values where reader.isWaiting { cache.turns.add(reader) }
    }

    private func state(of piece: Int) -> Piece {
        if pieces[piece] == .unknown {
            let entry = file.entry(of: piece)
            pieces[piece] = entry.map { $0.generation == cache.generation ? .good : .unchecked } ?? .absent
        }
        return pieces[piece]
    }

    /// Looks later what other workers have done.
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

    func closeIfIdle() {
        guard !isClosed, readers.isEmpty, fills.isEmpty, check == nil, proof?.isStuck ?? true else { return }
        isClosed = true
        (proof, poll) = (nil, nil)
        cache.close(self)
    }
}

// MARK: filling

extension Blob {
    /// Sees to it that a piece is filled, here or by another worker. Nothing is fetched from `end` on.
    private func fill(_ piece: Int, upTo end: Int, _ source: FileSource, _ address: String) {
        guard !fills.contains(where: { $0.comes(to: piece) }) else { return }
        guard takes(piece) else { return pollSoon(about: piece) }
        guard cache.isOn else {
            file.release(piece..<piece + 1)
            return cache.later { self.fail(.tooBusy("room on the disk of its cache"), from: piece, to: piece + 1) }
        }
        let left = leftovers.firstIndex { $0.piece == piece }.map { leftovers.remove(at: $0) }
        let fill = BlobFill(
            self, left ?? PieceInProgress(piece, at: layout.range(of: piece).lowerBound), upTo: end, source)
        fills.append(fill)
        cache.metrics.add(.fileCacheFills)
        fill.start(address: address)
        prove(source, address: address)
    }

    /// Claims a piece that has to be filled. False: another fills it, or it is there.
    func takes(_ piece: Int) -> Bool {
        guard state(of: piece) == .absent, !fills.contains(where: { $0.claimed.contains(piece) }) else { return false }
        // Claimed still.
        if leftovers.contains(where: { $0.piece == piece }) { return true }
        guard file.claim(piece) else { return false }
        // Another may have filled it between the look and the claim.
        pieces[piece] = .unknown
        guard state(of: piece) == .absent else {
            file.release(piece..<piece + 1)
            wake()
            return false
        }
        return true
    }

    /// The first piece from `first` on that is there, or `end`. It is not looked for further than it takes to read some of the index.
    func firstHeld(from first: Int, upTo end: Int) -> Int {
        (first..<max(first, min(end, first + Self.longestLook / BlobLayout.pieceBytes))).first {
            let state = state(of: $0)
            return state == .good || state == .unchecked
        } ?? end
    }

    /// A fill comes to a piece from the one before it, and fetches it from its beginning.
    func takesNext(_ piece: Int) -> Bool {
        guard takes(piece) else { return false }
        leftovers.removeAll { $0.piece == piece }
        return true
    }

    /// A piece has been written whole. Throws what the kernel says.
    func filled(_ piece: Int, _ digest: [UInt8]) throws(FileError) {
        try file.hold(piece, PieceEntry(generation: cache.generation, digest: digest))
        file.release(piece..<piece + 1)
        pieces[piece] = .good
        if let proof { cache.turns.add(proof) }
    }

    /// A fill has ended; `failure`: it has come to nothing, so that whoever waits for it waits for nothing.
    func ended(_ fill: BlobFill, _ failure: Failure?) {
        fills.removeAll { $0 === fill }
        if let rest = fill.rest, !isSpoiled {
            // Its claim is kept with it.
            leftovers.append(rest)
            file.release(rest.piece + 1..<max(rest.piece + 1, fill.claimed.upperBound))
        } else {
            file.release(fill.claimed)
        }
        if let failure { fail(failure, from: fill.piece, to: fill.piece + Self.lookahead) }
        wake()
        closeIfIdle()
    }

    private func fail(_ failure: Failure, from piece: Int, to end: Int) {
        for reader in readers.values where reader.isWaiting {
            let wanted = layout.piece(at: reader.position)
            if (piece..<end).contains(wanted) || reader.awaitsProof { reader.fail(failure, mayRelay: true) }
        }
    }

    /// Nobody can write any more: whoever can goes on without this.
    func stopFilling() {
        for fill in fills { fill.cancel() }
    }
}

// MARK: whether it is right

extension Blob {
    private func startCheck(of piece: Int) {
        guard check == nil else { return }
        guard let entry = file.entry(of: piece) else {
            pieces[piece] = .unknown
            return pollSoon(about: piece)
        }
        let check = PieceCheck(piece, entry, of: self)
        self.check = check
        cache.turns.add(check)
    }

    /// A piece was looked at.
    func checked(_ piece: Int, _ entry: PieceEntry, isRight: Bool) {
        check = nil
        if isRight {
            pieces[piece] = .good
            // So that no other worker of this start has to look. A disk that takes no more is no reason not to serve.
            try? file.hold(piece, PieceEntry(generation: cache.generation, digest: entry.digest))
        } else {
            cache.foundCorrupt(name, "piece \(piece) is not what was fetched", .disk)
            dropPiece(piece)
        }
        if let proof { cache.turns.add(proof) }
        wake()
        closeIfIdle()
    }

    private func dropPiece(_ piece: Int) {
        pieces[piece] = .unknown
        guard file.claim(piece) else { return pollSoon(about: piece) }
        file.drop(piece)
        file.release(piece..<piece + 1)
        if file.isComplete { try? file.reopen() }
    }

    /// Begins to look whether all of it is right, unless somebody does.
    private func prove(_ source: FileSource, address: String) {
        guard !file.isComplete, !isSpoiled else { return }
        if let proof {
            proof.lend(source, address: address)
            return cache.turns.add(proof)
        }
        guard file.claimProof() else { return pollSoon() }
        // Another may have done so meanwhile.
        guard file.refresh() else { return spoil(isOurs: false) }
        guard !file.isComplete else {
            file.releaseProof()
            return wake()
        }
        let proof = BlobProof(of: self, source, address: address)
        self.proof = proof
        cache.turns.add(proof)
    }

    /// How the piece is that the proof needs next.
    enum Readiness {
        case ready, soon
        /// Nobody here brings it.
        case missing
    }

    func readiness(of piece: Int, for proof: BlobProof) -> Readiness {
        switch state(of: piece) {
        case .good: return .ready
        case .unchecked:
            startCheck(of: piece)
            return .soon
        case .absent, .unknown:
            if fills.contains(where: { $0.comes(to: piece) }) { return .soon }
            // The last of what readers wait for; before that each of them fetches its own.
            if readers.values.contains(where: { $0.awaitsProof }) {
                fill(piece, upTo: piece + 1, proof.source, proof.address)
            } else if !readers.isEmpty || !fills.isEmpty {
                pollSoon(about: piece)
            }
            return .missing
        }
    }

    func proved(isRight: Bool) {
        proof = nil
        guard isRight else { return spoil(isOurs: true) }
        cache.metrics.add(.fileCacheVerified)
        do throws(FileError) {
            try file.complete()
        } catch {
            cache.stop(error)
        }
        file.releaseProof()
        wake()
        closeIfIdle()
    }

    /// It is not what its name says. Nobody who reads it gets its end, and nobody finds it any more.
    private func spoil(isOurs: Bool) {
        guard !isSpoiled else { return }
        isSpoiled = true
        if isOurs {
            file.spoil()
            cache.foundCorrupt(name, "its SHA-256 is another, so what was fetched is thrown away", .transit)
        }
        for fill in fills { fill.cancel() }
        for reader in readers.values { reader.fail(.wrongContent, mayRelay: false) }
        proof = nil
        closeIfIdle()
    }
}

extension Failure {
    /// The store's content has another SHA-256 than the Hub says.
    fileprivate static var wrongContent: Failure {
        Failure(
            .hubBroken,
            detail:
                "The store of the Hub's files sent other bytes than the Hub names: their SHA-256 is another. They were thrown away. Try again."
        )
    }
}
