import EventIO
import HTTP
import Hub

/// Fetches pieces of a blob, one after the other, and writes them to the disk as they come: at the pace of the store and the disk, not of the readers.
@EventLoop
final class BlobFill: TransferSink, CancellableWork {
    /// After so many bytes the kernel is told to write to the disk.
    private static let writeBytes = 1 << 20
    /// A call that brings less has failed: a store that breaks off after each byte is not called for ever.
    private static let leastProgress = 64 * 1024
    /// How long it waits after there was no room for its call, in milliseconds.
    private static let retryMilliseconds: UInt64 = 1000

    private let blob: Blob
    private let progress: PieceInProgress
    /// The first piece that is not wanted any more, or is there.
    private var end: Int
    /// The piece after the last that was asked of it.
    let asked: Int
    /// The client whose share pays for the call.
    let address: String
    /// The source as it was given; `source` may be the one that it leads on to.
    let origin: FileSource
    /// The key of `origin`'s address.
    let key: ConfirmedAddresses.Key
    private var source: FileSource
    /// The piece after the last one that the store was asked for, and the last byte.
    private var (called, last) = (0, 0)
    /// Bytes that come after the ones that were asked for.
    private var remainder: ResponseRemainder?
    private lazy var retry = Timer { [weak self] in self?.askAgain() }
    private var isRetrying = false
    private(set) var isCancelled = false
    /// The store refuses this source, for example because its address has expired.
    private(set) var isRefused = false
    /// The pieces from the present one on that are claimed: no other process on the machine fills them.
    private(set) var claimed: Range<Int>
    private var first: Int
    private var transfer: Transfer?
    private var place: CallPlace?
    /// The replica that is asked instead of the store.
    private var peer: PeerFetch?
    private var mayAskPeer = true
    private var context: RequestContext?
    private var next: FileSource?
    private var failure: Failure?
    private var isDone = false
    private var writtenFrom: Int

    /// `address`: the client whose share pays for the call.
    init(_ blob: Blob, _ progress: PieceInProgress, upTo end: Int, _ source: FileSource, _ address: String) {
        self.blob = blob
        self.progress = progress
        (self.end, asked) = (end, end)
        (origin, self.source) = (source, source)
        key = ConfirmedAddresses.Key(blob.name, at: source.url)
        progress.comes(from: key, isNew: progress.position == blob.layout.range(of: progress.piece).lowerBound)
        self.address = address
        first = progress.position
        writtenFrom = progress.position
        claimed = progress.piece..<progress.piece + 1
    }

    var piece: Int { progress.piece }
    /// Whether all that is there of the piece has come from the address of `key`.
    var isOwn: Bool { progress.origin == key }
    /// Of the next byte in the file: all earlier bytes of the piece are there.
    var position: Int { progress.position }
    /// The part of a piece that is there; nil where there is none.
    var rest: PieceInProgress? {
        claimed.contains(piece) && position > blob.layout.range(of: piece).lowerBound ? progress : nil
    }

    /// Whether it will reach the piece soon.
    func comes(to piece: Int) -> Bool { !isDone && claimed.contains(piece) }

    func start() {
        extendClaims()
        let context = RequestContext(id: .next(), address: address)
        context.work = self
        self.context = context
        enter(context)
    }

    private func enter(_ context: RequestContext) {
        // Once in a fill; it takes no place of the calls to the Hub.
        if mayAskPeer, let peer = blob.cache.peers.call(for: blob.name, source) {
            self.peer = peer
            return make(at: nil)
        }
        guard let place = blob.cache.admission.begin(context) else {
            return blob.cache.admission.wait(context) { result in
                switch result {
                case .success(let place): self.make(at: place)
                case .failure(let failure): self.turnedAway(failure)
                }
            }
        }
        make(at: place)
    }

    private func turnedAway(_ failure: Failure) {
        guard !isDone, blob.turnAway(self, failure) else { return settle(failure) }
        isRetrying = true
        retry.start(milliseconds: Self.retryMilliseconds)
    }

    private func askAgain() {
        isRetrying = false
        if let context, !isDone { enter(context) }
    }

    private func make(at place: CallPlace?) {
        guard !isDone else {
            place?.end()
            return settle(nil)
        }
        self.place = place
        // Pieces after this one may be on their way already.
        end = isMet ? claimed.upperBound : blob.firstUntaken(from: piece + 1, upTo: end)
        called = end
        last = blob.layout.range(of: end - 1).upperBound - 1
        if let peer {
            let call = PeerCall(blob.name, size: blob.layout.size, position..<last + 1, from: source.url)
            transfer = peer.start(call, sink: self)
            return
        }
        var headers: Headers = ["Accept-Encoding": "identity"]
        if let userAgent = source.userAgent { headers.append("User-Agent", userAgent) }
        if position > 0 || last < blob.layout.size - 1 { headers.append("Range", "bytes=\(position)-\(last)") }
        transfer = blob.cache.pool.start(
            Request(method: .get, target: .root, headers: headers), url: source.url, limits: source.limits, sink: self)
    }

    /// It is not wanted any more; what it has fetched stays.
    func cancel() {
        guard !isDone else { return }
        (isDone, isCancelled) = (true, true)
        if let transfer { return transfer.cancel() }
        guard isRetrying else {
            context?.onCancel?()
            return
        }
        retry.stop()
        EventLoop.post { self.settle(nil) }
    }

    /// No reader waits for pieces from `piece` on. The present piece is fetched to its end: a part of a piece is of no use.
    func end(before piece: Int) {
        let hasBegun = position > blob.layout.range(of: self.piece).lowerBound
        guard !isDone, piece < end else { return }
        guard hasBegun || piece > self.piece else { return cancel() }
        end = max(piece, self.piece + 1)
        guard claimed.upperBound > end else { return }
        blob.file.release(end..<claimed.upperBound)
        claimed = claimed.lowerBound..<end
    }

    /// Whether the next piece to claim is there, or another fill has it.
    private var isMet: Bool { claimed.upperBound < min(end, piece + Blob.lookahead) }

    /// Claims as many pieces as readers may wait for.
    private func extendClaims() {
        while claimed.upperBound < min(end, piece + Blob.lookahead), claimed.upperBound < blob.layout.pieces,
            blob.takesNext(claimed.upperBound)
        {
            claimed = claimed.lowerBound..<claimed.upperBound + 1
        }
    }

    // MARK: the store's response

    func begin(_ head: Transfer.Head) {
        if let peer {
            if !peer.takes(head) { transfer?.cancel() }
            return
        }
        do throws(Failure) {
            if let onward = try source.onward(head) {
                next = onward
                transfer?.cancel()
            } else if let reason = head.fault(for: position..<last + 1, of: blob.layout.size) {
                isRefused = [401, 403, 410].contains(head.status.code)
                throw .hubBroken(reason)
            } else {
                blob.cache.found.insert(key)
            }
        } catch {
            giveUp(error)
        }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isDone, next == nil, failure == nil else {
            remainder?.take(bytes.count)
            return true
        }
        do throws(FileError) {
            var taken = 0
            while taken < bytes.count, !isDone {
                guard position < blob.layout.size else {
                    giveUp(.hubBroken("the store of its files sent more bytes than a file has"))
                    break
                }
                let end = min(bytes.count, taken + blob.layout.range(of: piece).upperBound - position)
                try unsafe write(UnsafeBufferPointer(rebasing: bytes[taken..<end]))
                taken = end
            }
        } catch {
            blob.cache.stop(error)
            giveUp(.tooBusy("room on the disk of its cache"))
        }
        blob.wake()
        return true
    }

    private func write(_ bytes: UnsafeBufferPointer<UInt8>) throws(FileError) {
        // The replica gives nothing that its store has not confirmed.
        if peer != nil, position == first { blob.cache.found.insert(key) }
        try unsafe blob.file.write(bytes, at: position)
        unsafe progress.add(bytes)
        if let peer {
            blob.giver = peer.origin
            peer.received(bytes.count)
        }
        blob.cache.metrics.add(.fileCacheFilledBytes, UInt64(bytes.count))
        let isWhole = position == blob.layout.range(of: piece).upperBound
        if position - writtenFrom >= Self.writeBytes || isWhole {
            blob.file.startWriting(at: writtenFrom, count: position - writtenFrom)
            writtenFrom = position
            blob.cache.leaveRoom()
        }
        guard isWhole else { return }
        let whole = piece
        try blob.filled(whole, progress.finish(), from: progress.origin)
        progress.comes(from: key, isNew: true)
        claimed = whole + 1..<max(whole + 1, claimed.upperBound)
        extendClaims()
        // The next piece is there already, or another fill has it.
        if !claimed.contains(piece) {
            isDone = true
            remainder = ResponseRemainder { self.transfer?.cancel() }
            if piece < called { transfer?.cancel() }
        }
    }

    private func giveUp(_ failure: Failure) {
        self.failure = failure
        transfer?.cancel()
    }

    func end(_ outcome: Result<Void, TransferError>) {
        (transfer, remainder) = (nil, nil)
        place.take()?.end()
        EventLoop.post { self.goOn(after: outcome) }
    }

    private func goOn(after outcome: Result<Void, TransferError>) {
        if let peer = peer.take() {
            let isUnwanted = isCancelled || failure != nil
            peer.end(outcome, as: isUnwanted ? .unwanted : isDone ? .whole : .short)
            // The store gives what the replica has not given.
            if !isUnwanted, !isDone, let context {
                (mayAskPeer, first) = (false, position)
                return enter(context)
            }
        }
        if let source = next.take(), !isDone, failure == nil, let context {
            self.source = source
            return enter(context)
        }
        if isDone { return settle(nil) }
        var reason = failure
        if reason == nil, case .failure(let error) = outcome { reason = Failure(error).at(.store) }
        // A response ended early and in order: the rest is asked for.
        let isProgress = position - first >= Self.leastProgress
        if isProgress, blob.cache.isOn { reason = nil }
        if reason == nil, !isProgress {
            reason = .hubBroken("the store of its files sent less of a file than was asked for")
        }
        settle(reason)
    }

    private func settle(_ failure: Failure?) {
        let failure = isDone ? nil : failure
        isDone = true
        context?.work = nil
        context = nil
        blob.ended(self, failure)
    }
}
