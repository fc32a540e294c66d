import EventIO
import Hub

/// Whether the content is right: each piece that is left from another start, and all of them together.
extension Blob {
    func startCheck(of piece: Int) {
        guard check == nil else { return }
        guard let entry = file.entry(of: piece) else {
            pieces[piece] = .unknown
            return pollSoon(about: piece)
        }
        let check = PieceCheck(piece, entry, of: self)
        self.check = check
        cache.turns.add(check)
    }

    /// A piece was checked.
    func checked(_ piece: Int, _ entry: PieceEntry, isRight: Bool) {
        check = nil
        if isRight {
            pieces[piece] = .good
            // So that no other worker of this start has to check it. If the disk takes no more, the piece is served all the same.
            var entry = entry
            entry.generation = cache.generation
            try? file.hold(piece, entry)
        } else {
            cache.foundCorrupt(name, "piece \(piece) is not what was fetched", .disk)
            dropPiece(piece)
        }
        if let proof { cache.turns.add(proof) }
        wake()
        closeIfIdle()
    }

    /// The disk does not give it in time: it is not known whether it is right.
    func uncheckable(_ error: FileError) {
        check = nil
        cache.stopReading(error)
        fail(.tooBusy("the disk of its cache"), from: 0, to: layout.pieces)
        closeIfIdle()
    }

    func dropPiece(_ piece: Int) {
        pieces[piece] = .unknown
        shown = shown.filter { $0.piece != piece }
        guard file.claim(piece) else { return pollSoon(about: piece) }
        file.drop(piece)
        file.release(piece..<piece + 1)
        if file.isComplete { try? file.reopen() }
    }

    /// Begins to check whether all of it is right, unless a worker does that already.
    func prove(_ source: FileSource, address: String) {
        guard !file.isComplete, !isSpoiled else { return }
        if let proof {
            proof.lend(source, address: address)
            return cache.turns.add(proof)
        }
        guard file.claimProof() else { return pollSoon() }
        // Another worker may have done so meanwhile.
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
        /// No fill of this process brings it.
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
            // Readers wait for the last pieces; before that each of them fetches its own.
            if readers.values.contains(where: { $0.awaitsProof }) {
                fill(piece, upTo: piece + 1, proof.source, proof.address)
            } else if !readers.isEmpty || !fills.isEmpty {
                pollSoon(about: piece)
            }
            return .missing
        }
    }

    /// `origin`: of all pieces.
    func proved(isRight: Bool, _ origin: BlobOrigin) {
        proof = nil
        guard isRight else { return spoil(isOurs: true) }
        cache.metrics.add(.fileCacheVerified)
        do throws(FileError) {
            try file.complete(from: origin)
        } catch {
            cache.stop(error)
        }
        file.releaseProof()
        wake()
        closeIfIdle()
    }

    /// The disk cannot be read; waiting readers go on without the check.
    func unreadable(_ error: FileError) {
        proof = nil
        file.releaseProof()
        cache.stopReading(error)
        fail(.tooBusy("the disk of its cache"), from: 0, to: layout.pieces)
        closeIfIdle()
    }

    /// The content is not what its name says. No reader gets its end, and it is not found any more.
    func spoil(isOurs: Bool) {
        guard !isSpoiled else { return }
        isSpoiled = true
        if let giver, isOurs || file.header?.state == .bad { cache.peers.sentWrong(giver, name) }
        if isOurs {
            file.spoil()
            cache.foundCorrupt(name, "its SHA-256 is another, so what was fetched is thrown away", .transit)
        }
        for fill in fills { fill.cancel() }
        for reader in readers.values { reader.fail(.wrongContent, mayRelay: false) }
        for pull in pulls { pull.fail(.wrongContent) }
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
