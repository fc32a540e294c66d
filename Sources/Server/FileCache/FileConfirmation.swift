import EventIO
import Hub

/// What a store has said of an address.
enum StoreWord {
    /// It gives the file there, as far as it was asked.
    case given
    /// It gives nothing, or nothing was heard of it.
    case refused
    /// It gives something else than the samples.
    case different
}

/// Asks for the word of a file's store on the address to which the Hub has led this client.
@EventLoop
struct FileConfirmation {
    let key: ConfirmedAddresses.Key
    /// With samples it has to give these; without, its head is enough. Calls back once, later.
    let ask: @EventLoop ([FileSample], @escaping @EventLoop (StoreWord) -> Void) -> Void

    init(
        _ key: ConfirmedAddresses.Key,
        ask: @escaping @EventLoop ([FileSample], @escaping @EventLoop (StoreWord) -> Void) -> Void
    ) {
        (self.key, self.ask) = (key, ask)
    }
}

/// What a store is asked about an address.
enum ConfirmationSubject: Hashable {
    /// Whether there is a file of that size.
    case head(ConfirmedAddresses.Key)
    /// Whether it is what is here: all of it, or a piece.
    case whole(ConfirmedAddresses.Key)
    case piece(ConfirmedAddresses.Key, Int)
}

extension FileCache {
    /// Whether its store has shown that it has this file at its address.
    func isConfirmed(_ answer: FileAnswer) -> Bool { answer.confirmation.map { confirmed.contains($0.key) } ?? true }

    /// Whether its store gives something of that size at its address.
    func isThere(_ answer: FileAnswer) -> Bool {
        isConfirmed(answer) || answer.confirmation.map { there.contains($0.key) } ?? true
    }

    /// Asks whether there is such a file.
    func look(for confirmation: FileConfirmation, then: @escaping @EventLoop (StoreWord) -> Void) {
        confirm(.head(confirmation.key), then: then) { done in
            confirmation.ask([]) { word in
                if word == .given { self.there.insert(confirmation.key) }
                done(word)
            }
        }
    }

    /// Asks once for all who want to know the same meanwhile. Where the store does not give it to the first, whose signature may be over, each of the
    /// others asks at once: one behind the other they would wait for its time limit as often. Calls back once, later.
    func confirm(
        _ subject: ConfirmationSubject, then: @escaping @EventLoop (StoreWord) -> Void,
        by ask: @escaping @EventLoop (@escaping @EventLoop (StoreWord) -> Void) -> Void
    ) {
        guard confirming[subject] == nil else {
            confirming[subject]?.append { if $0 == .given { then($0) } else { ask(then) } }
            return
        }
        confirming[subject] = []
        ask { word in
            let others = self.confirming.removeValue(forKey: subject) ?? []
            then(word)
            for tell in others { tell(word) }
        }
    }
}

/// Which bytes of a blob go out to whom.
extension Blob {
    /// Of samples of all of it, and of one piece as long as nobody knows whether all of it is right.
    private static let (samples, samplesOfPiece) = (8, 2)

    /// A piece that an address has shown to have.
    struct Shown: Hashable {
        let key: ConfirmedAddresses.Key
        let piece: Int
    }

    /// Whether a piece was or is being fetched from that address, or is what its store has there.
    func isOf(_ key: ConfirmedAddresses.Key, _ piece: Int) -> Bool {
        if fills.contains(where: { $0.piece == piece && $0.isOwn && $0.key == key }) { return true }
        return shown.contains(Shown(key: key, piece: piece)) || file.entry(of: piece)?.origin == key.origin
    }

    /// Whether all of it was fetched from that address, whichever process has done so.
    func isWhole(of key: ConfirmedAddresses.Key) -> Bool {
        file.origin == key.origin
    }

    /// Compares what is here with what the store has at an address. False: the piece has to be whole first.
    func confirm(
        _ confirmation: FileConfirmation, _ piece: Int, then: @escaping @EventLoop (StoreWord) -> Void
    ) -> Bool {
        let key = confirmation.key
        let isWhole = file.isComplete
        guard isWhole || state(of: piece) == .good else { return false }
        let places =
            isWhole
            ? key.samples(in: 0..<layout.size, count: Self.samples)
            : key.samples(in: layout.range(of: piece), count: Self.samplesOfPiece)
        cache.confirm(isWhole ? .whole(key) : .piece(key, piece), then: then) { done in
            BlobSampling(of: self, at: places) { samples in
                guard let samples else { return done(.refused) }
                confirmation.ask(samples) { word in
                    guard word == .given else { return done(word) }
                    if isWhole {
                        self.cache.confirmed.insert(key)
                    } else {
                        self.shown.insert(Shown(key: key, piece: piece))
                    }
                    done(word)
                }
            }.start()
        }
        return true
    }

    /// A store gives another piece than is here, and which of the two is the file's is not known: what is here loses its name, unless others use it.
    func setAside(by reader: FileResponse) {
        let isUsed = readers.count > 1 || !fills.isEmpty || !pulls.isEmpty || proof != nil
        guard !file.isComplete, !isUsed, !file.isInUse, file.isLinked else { return }
        try? file.setAside()
        cache.close(self)
    }
}
