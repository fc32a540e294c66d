import EventIO
import Hub

/// The result of asking a store about an address.
enum StoreResult {
    /// It serves the file there, as far as it was asked.
    case given
    /// It serves nothing, or did not answer.
    case refused
    /// It serves other bytes than the samples.
    case different
}

/// Asks a file's store about the address to which the Hub has led this client.
@EventLoop
struct FileConfirmation {
    let key: ConfirmedAddresses.Key
    /// With samples the store has to serve these bytes; without samples a head for the right size is enough. Calls back once, later.
    let ask: @EventLoop ([FileSample], @escaping @EventLoop (StoreResult) -> Void) -> Void
}

/// What a store is asked about an address.
enum ConfirmationSubject: Hashable {
    /// Whether there is a file of that size.
    case head(ConfirmedAddresses.Key)
    /// Whether it is the content of the cache: all of it, or one piece.
    case whole(ConfirmedAddresses.Key)
    case piece(ConfirmedAddresses.Key, Int)
}

extension FileCache {
    /// Whether the store has shown that it has this file at its address.
    func isConfirmed(_ answer: FileAnswer) -> Bool { answer.confirmation.map { confirmed.contains($0.key) } ?? true }

    /// Whether the store serves something of that size at its address.
    func isFound(_ answer: FileAnswer) -> Bool {
        isConfirmed(answer) || answer.confirmation.map { found.contains($0.key) } ?? true
    }

    /// Asks whether there is such a file.
    func look(for confirmation: FileConfirmation, then: @escaping @EventLoop (StoreResult) -> Void) {
        confirm(.head(confirmation.key), then: then) { done in
            confirmation.ask([]) { result in
                if result == .given { self.found.insert(confirmation.key) }
                done(result)
            }
        }
    }

    /// Asks once for all requests with the same question meanwhile. If the store refuses the first, whose signature may have expired, each of the others
    /// asks at once: one after another they would wait for as many time limits. Calls back once, later.
    func confirm(
        _ subject: ConfirmationSubject, then: @escaping @EventLoop (StoreResult) -> Void,
        by ask: @escaping @EventLoop (@escaping @EventLoop (StoreResult) -> Void) -> Void
    ) {
        guard confirming[subject] == nil else {
            confirming[subject]?.append { if $0 == .given { then($0) } else { ask(then) } }
            return
        }
        confirming[subject] = []
        ask { result in
            let others = self.confirming.removeValue(forKey: subject) ?? []
            then(result)
            for tell in others { tell(result) }
        }
    }
}

/// Decides which bytes of a blob may go to a client that was led to an address.
extension Blob {
    /// How many samples of the whole are compared, and how many of each piece before the whole has been checked.
    private static let (samples, samplesOfPiece) = (8, 2)

    /// A piece that a store has shown to have at an address.
    struct Shown: Hashable {
        let key: ConfirmedAddresses.Key
        let piece: Int
    }

    /// Whether a piece was or is being fetched from that address, or its store has shown to have it there.
    func isOf(_ key: ConfirmedAddresses.Key, _ piece: Int) -> Bool {
        if fills.contains(where: { $0.piece == piece && $0.isOwn && $0.key == key }) { return true }
        return shown.contains(Shown(key: key, piece: piece)) || file.entry(of: piece)?.origin == key.origin
    }

    /// Whether all of it was fetched from that address, whichever process has done so.
    func isWhole(of key: ConfirmedAddresses.Key) -> Bool {
        file.origin == key.origin
    }

    /// Compares the content of the cache with that at an address. False: the piece has to be whole first.
    func confirm(
        _ confirmation: FileConfirmation, _ piece: Int, then: @escaping @EventLoop (StoreResult) -> Void
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
                confirmation.ask(samples) { result in
                    guard result == .given else { return done(result) }
                    if isWhole {
                        self.cache.confirmed.insert(key)
                    } else {
                        self.shown.insert(Shown(key: key, piece: piece))
                    }
                    done(result)
                }
            }.start()
        }
        return true
    }

    /// The store serves other bytes than the cache has, and it is not known which are the file's: the cached ones lose their name, unless other
    /// clients use them.
    func setAside() {
        let isUsed = readers.count > 1 || !fills.isEmpty || !pulls.isEmpty || proof != nil
        guard !file.isComplete, !isUsed, !file.isInUse, file.isLinked else { return }
        try? file.setAside()
        cache.close(self)
    }
}
