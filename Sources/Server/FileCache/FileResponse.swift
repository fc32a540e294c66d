import EventIO
import Glibc
import HTTP
import Hub

/// The response for a file that the file cache has or fetches.
@EventLoop
struct FileAnswer {
    let name: BlobName
    let layout: BlobLayout
    let range: Range<Int>
    let status: Status
    /// The fields as they go out.
    let headers: Headers
    let source: FileSource
    /// The client is another replica, which is to get the head at once.
    var isForPeer = false
    /// The size is from the Hub, and not only from a client that may have told it to the Hub.
    var isSizeSure = true
    /// Nothing of the file goes out before this has been confirmed. Nil where there is no store to ask, or it has been asked.
    var confirmation: FileConfirmation?
    /// Relays the response without the cache, as long as nothing has gone out.
    let relay: @EventLoop () -> Void

    /// Whether its end waits until all of the file is known to be right. Another replica checks that itself, and would have to wait twice.
    var isWhole: Bool { range == 0..<layout.size && !isForPeer }
}

/// Sends a file, or a part of it, from the disk, at the pace of its client: what is there, and then what fills write.
@EventLoop
final class FileResponse: LoopWork, CancellableWork {
    /// Bytes that may wait for the client before no more is read.
    private static let highMark = 16 * 1024
    /// Reads of `BlobReading.pieceBytes` each, in a turn.
    private static let readsATurn = 4

    var isQueued = false
    /// It has told the blob what it needs, and continues when it is woken.
    private(set) var isWaiting = false
    /// In the file, of the next byte.
    private(set) var position: Int
    private let answer: FileAnswer
    private let exchange: Exchange
    private let context: RequestContext
    private let blob: Blob
    private let cache: FileCache
    private lazy var reading = BlobReading(blob, for: self)
    private let wasHeld: Bool
    private var isConfirmed = false
    private var isConfirming = false
    private var tail: FileTail?
    private(set) var hasBegun = false
    private var isOver = false

    init(_ answer: FileAnswer, of blob: Blob, _ exchange: Exchange, _ context: RequestContext) {
        self.answer = answer
        self.blob = blob
        self.exchange = exchange
        self.context = context
        cache = blob.cache
        position = answer.range.lowerBound
        wasHeld = blob.holds(answer.range)
    }

    var end: Int { answer.range.upperBound }
    var source: FileSource { answer.source }
    var address: String { context.address }
    /// All before the end is sent, and it waits until the file is known to be right.
    var awaitsProof: Bool { isWaiting && answer.isWhole && position >= blob.layout.size - Blob.heldBack }

    func start() {
        context.work = self
        cache.metrics.add(.fileCacheRequests, at: (wasHeld ? MetricLabels.FileCacheResult.hit : .miss).rawValue)
        exchange.onWritable = { self.cache.turns.add(self) }
        blob.join(self)
        if answer.isForPeer {
            begin()
            exchange.flushHead()
        }
        turn()
    }

    func turn() {
        guard !isOver else { return }
        if let tail { return tail.goOn() }
        isWaiting = false
        for _ in 0..<Self.readsATurn {
            guard exchange.queuedBytes < Self.highMark else { return }
            let room = blob.readable(from: position, to: end, isWhole: answer.isWhole)
            guard room > 0 else {
                // No replica is asked for an address at which the store may have nothing.
                guard cache.isFound(answer) || !cache.peers.areAsked(for: answer.name, source) else { return look() }
                isWaiting = true
                return blob.fetch(position, for: self)
            }
            guard mayGive() else { return confirm() }
            switch reading.read(at: position, count: room) {
            case .bytes(let count) where count > 0: send()
            case .later, .unknown: return
            case .bytes: return loseDisk(FileError(EIO))
            case .failed(let error):
                let piece = blob.layout.piece(at: position)
                // When it is fetched again it may be readable.
                guard error.code != ETIMEDOUT, blob.lose(piece, error) else { return loseDisk(error) }
                return cache.turns.add(self)
            }
            guard !isOver else { return }
        }
        cache.turns.add(self)
    }

    private var piece: Int { blob.layout.piece(at: position) }

    /// Whether the next bytes may go out: they came from this address, or its store has shown to have them there.
    private func mayGive() -> Bool {
        guard !isConfirmed, let confirmation = answer.confirmation else { return true }
        isConfirmed = cache.isConfirmed(answer)
        if !isConfirmed, blob.isWhole(of: confirmation.key) {
            cache.confirmed.insert(confirmation.key)
            isConfirmed = true
        }
        guard isConfirmed || blob.isOf(confirmation.key, piece) else { return false }
        if answer.isSizeSure { blob.isSizeSure = true }
        return true
    }

    /// The cached bytes came from another address: they are compared with the store's at this one.
    private func confirm() {
        guard !isConfirming, let confirmation = answer.confirmation else { return }
        isConfirming = blob.confirm(confirmation, piece) { self.heard($0) }
        // It is woken when the piece has grown.
        isWaiting = !isConfirming
    }

    /// Asks the store whether it has the file, before another replica is asked.
    private func look() {
        guard !isConfirming, let confirmation = answer.confirmation else { return }
        isConfirming = true
        cache.look(for: confirmation) { self.heard($0) }
    }

    private func heard(_ result: StoreResult) {
        isConfirming = false
        guard !isOver, tail == nil else { return }
        if result == .given { return cache.turns.add(self) }
        if result == .different { blob.setAside() }
        goDirect()
    }

    private func send() {
        let bytes = unsafe cache.buffer.bytes
        if !hasBegun {
            // It may have waited long.
            do throws(Failure) { try context.confirmKey() } catch { return end(error) }
            begin()
        }
        unsafe exchange.write(bytes)
        position += bytes.count
        cache.metrics.add(.fileCacheSentBytes, UInt64(bytes.count))
        if position == end { finish() }
    }

    func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        var headers = answer.headers
        headers.append("Cache-Status", wasHeld ? "hubgate; hit; detail=file" : "hubgate; fwd=miss; detail=file")
        let isHubs = headers.contains("X-Request-Id")
        exchange.start(
            answer.status, headers: headers, id: isHubs ? .beside(context.id) : .own(context.id),
            length: answer.range.count)
    }

    func finish() {
        exchange.finish()
        letGo()
    }

    private func loseDisk(_ error: FileError) {
        cache.stopReading(error)
        goDirect()
    }

    /// What it waits for will not come. `mayRelay`: the store may be asked directly, for all of it or for the rest.
    func fail(_ failure: Failure, mayRelay: Bool) {
        guard !isOver, tail == nil else { return }
        isWaiting = false
        if mayRelay { return goDirect() }
        end(failure)
    }

    /// Goes on without the disk.
    private func goDirect() {
        guard hasBegun else {
            letGo()
            exchange.onWritable = nil
            return answer.relay()
        }
        blob.leave(self)
        let tail = FileTail(
            answer.source, position..<end, of: answer.layout.size, exchange, context, in: cache
        ) { failure in
            if let failure { self.end(failure) } else { self.finish() }
        }
        self.tail = tail
        tail.start()
    }

    private func end(_ failure: Failure) {
        letGo()
        exchange.fail(failure, context)
    }

    func cancel() {
        guard !isOver else { return }
        tail?.cancel()
        end(.clientGone)
    }

    private func letGo() {
        isOver = true
        isWaiting = false
        context.work = nil
        tail = nil
        if answer.isForPeer { cache.peers.left() }
        blob.leave(self)
    }
}
