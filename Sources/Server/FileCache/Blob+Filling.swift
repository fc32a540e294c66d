import EventIO
import Hub

/// Filling the pieces of a blob.
extension Blob {
    /// Makes sure that a piece is filled, here or by another worker. Nothing is fetched from `end` on.
    func fill(_ piece: Int, upTo end: Int, _ source: FileSource, _ address: String) {
        guard !fills.contains(where: { $0.comes(to: piece) }) else { return }
        guard takes(piece) else { return pollSoon(about: piece) }
        cache.leaveRoom()
        guard cache.isOn else {
            leftovers.removeAll { $0.piece == piece }
            file.release(piece..<piece + 1)
            return cache.later { self.fail(.tooBusy("room on the disk of its cache"), from: piece, to: piece + 1) }
        }
        let left = leftovers.firstIndex { $0.piece == piece }.map { leftovers.remove(at: $0) }
        let fill = BlobFill(
            self, left ?? PieceInProgress(piece, at: layout.range(of: piece).lowerBound), upTo: end, source, address)
        fills.append(fill)
        cache.metrics.add(.fileCacheFills)
        fill.start()
        prove(source, address: address)
    }

    /// Claims a piece that has to be filled. False: another worker or fill has it, or it is there.
    func takes(_ piece: Int) -> Bool {
        guard state(of: piece) == .absent, !fills.contains(where: { $0.claimed.contains(piece) }) else { return false }
        // Its claim was kept with the rest of the fill before.
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

    /// The first piece from `first` on that is there or is filled here, or `end`. The search is bounded, so that it reads a part of the index at
    /// most.
    func firstUntaken(from first: Int, upTo end: Int) -> Int {
        let taken = fills.map(\.claimed.lowerBound).filter { $0 >= first }.min() ?? end
        let end = min(end, taken)
        return (first..<max(first, min(end, first + Self.longestLook / BlobLayout.pieceBytes))).first {
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

    /// A piece has been written whole, all of it from the address of `key`; nil: from several. Throws what the kernel says.
    func filled(_ piece: Int, _ digest: [UInt8], from key: ConfirmedAddresses.Key?) throws(FileError) {
        try file.hold(
            piece, PieceEntry(generation: cache.generation, digest: digest, origin: key?.origin ?? .several))
        file.release(piece..<piece + 1)
        pieces[piece] = .good
        if let proof { cache.turns.add(proof) }
    }

    /// Lets each fill end after the last piece that a reader waits for, unless the file is fetched without readers.
    func endUnwanted() {
        guard !goesOn else { return }
        for fill in fills {
            let wanted = readers.values.filter { layout.piece(at: $0.end - 1) >= fill.piece }
            fill.end(before: wanted.map { layout.piece(at: $0.end - 1) + 1 }.max() ?? fill.piece)
        }
    }

    /// Continues what the last client had asked for when it left, where a fill has ended because it met pieces of others.
    private func goOnAlone(after fill: BlobFill) {
        guard readers.isEmpty, fills.isEmpty, cache.isOn, !isSpoiled, !file.isComplete, goesOn else { return }
        let rest = fill.piece..<max(fill.piece, min(fill.asked, fill.piece + Self.longestLook / BlobLayout.pieceBytes))
        guard let piece = rest.first(where: { state(of: $0) == .absent }) else { return }
        self.fill(piece, upTo: fill.asked, fill.origin, fill.address)
    }

    /// There is no room for a fill's call to the store. True: the fill is to try again, for readers that have begun their responses.
    func turnAway(_ fill: BlobFill, _ failure: Failure) -> Bool {
        let waiting = readers.values.filter { $0.isWaiting && fill.comes(to: layout.piece(at: $0.position)) }
        for reader in waiting where !reader.hasBegun { reader.fail(failure, mayRelay: true) }
        return waiting.contains { $0.hasBegun }
    }

    /// A fill has ended; with a `failure`, readers that wait for it fail too.
    func ended(_ fill: BlobFill, _ failure: Failure?) {
        fills.removeAll { $0 === fill }
        if let rest = fill.rest, !isSpoiled {
            // The claim of this piece is kept.
            leftovers.append(rest)
            file.release(rest.piece + 1..<max(rest.piece + 1, fill.claimed.upperBound))
        } else {
            file.release(fill.claimed)
        }
        if let failure {
            fail(failure, from: fill.piece, to: fill.piece + Self.lookahead, of: fill.isRefused ? fill.origin : nil)
        } else if !fill.isCancelled {
            goOnAlone(after: fill)
        }
        // The proof waited for what this fill was to bring: it would keep the blob open, and other workers from checking.
        if let proof { cache.turns.add(proof) }
        wake()
        // Closing the blob waits for the proof.
        if let proof { cache.turns.add(proof) }
        dropUnwanted()
        closeIfIdle()
    }

    /// Leaves pieces to other workers that no reader here waits for: a claim would keep them away.
    func dropUnwanted() {
        let wanted = Set(readers.values.map { layout.piece(at: $0.position) })
        for rest in leftovers where !wanted.contains(rest.piece) { file.release(rest.piece..<rest.piece + 1) }
        leftovers.removeAll { !wanted.contains($0.piece) }
    }

    /// `source`: only readers with this source fail, since it was refused; readers with another one try theirs.
    func fail(_ failure: Failure, from piece: Int, to end: Int, of source: FileSource? = nil) {
        for pull in pulls { pull.fail(failure) }
        for reader in readers.values where reader.isWaiting {
            let isMeant = source == nil || reader.source.url == source?.url
            let waits = isMeant && (piece..<end).contains(layout.piece(at: reader.position))
            if waits || reader.awaitsProof { reader.fail(failure, mayRelay: true) }
        }
    }

    /// The disk cannot be written; readers use the store.
    func stopFilling() {
        for fill in fills { fill.cancel() }
    }
}
