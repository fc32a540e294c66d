import EventIO
import HTTP
import Hub

/// Asks a store for its content at an address, by the first byte or by samples. The Hub may have signed an address without checking that content is
/// there, may lead there by a pointer that any user has written, and may not have checked the content that the user has put there.
@EventLoop
final class StoreConfirmation: TransferSink {
    /// The most that is read before a sample, where the store ignores ranges.
    private static let mostSkipped = 8 << 20

    private var source: FileSource
    private let context: RequestContext
    private let cache: FileCache
    private let size: Int
    private let done: @EventLoop (StoreResult) -> Void
    private var samples: ArraySlice<FileSample>
    private var transfer: Transfer?
    private var place: CallPlace?
    private var next: FileSource?
    /// Bytes that are still to come before the sample, and bytes of the sample that have come.
    private var (skipped, compared) = (0, 0)
    private var result = StoreResult.refused
    private var isOfAll = false
    /// Reads the rest of a response after its sample.
    private var remainder: ResponseRemainder?

    /// `size` is the file's in bytes. `done` is called once, later.
    init(
        _ source: FileSource, of size: Int, _ samples: [FileSample], _ context: RequestContext, in cache: FileCache,
        done: @escaping @EventLoop (StoreResult) -> Void
    ) {
        (self.source, self.size, self.samples) = (source, size, samples[...])
        (self.context, self.cache, self.done) = (context, cache, done)
    }

    func start() {
        if let place = cache.admission.begin(context) { return make(at: place) }
        cache.admission.wait(context) { result in
            switch result {
            case .success(let place): self.make(at: place)
            case .failure: self.done(.refused)
            }
        }
    }

    private var range: Range<Int> { samples.first?.range ?? 0..<1 }

    private func make(at place: CallPlace) {
        do throws(Failure) {
            if context.isCancelled { throw .clientGone }
            try context.confirmKey()
        } catch {
            place.end()
            return EventLoop.post { self.done(.refused) }
        }
        self.place = place
        var headers: Headers = [
            "Accept-Encoding": "identity", "Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)",
        ]
        if let userAgent = source.userAgent { headers.append("User-Agent", userAgent) }
        transfer = cache.pool.start(
            Request(method: .get, target: .root, headers: headers), url: source.url, limits: source.limits, sink: self)
    }

    func begin(_ head: Transfer.Head) {
        (result, compared, skipped) = (.refused, 0, 0)
        next = try? source.onward(head)
        isOfAll = head.status == .ok
        if isOfAll {
            skipped = range.lowerBound
            if skipped <= Self.mostSkipped, head.fault(for: 0..<size, of: size) == nil { result = .given }
        } else if head.fault(for: range, of: size) == nil {
            result = .given
        }
        if next != nil || result != .given || samples.isEmpty { transfer?.cancel() }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard result == .given, let sample = samples.first, compared < sample.bytes.count else {
            remainder?.take(bytes.count)
            return true
        }
        let before = min(skipped, bytes.count)
        skipped -= before
        let count = min(bytes.count - before, sample.bytes.count - compared)
        let expected = sample.bytes[compared..<compared + count]
        compared += count
        if unsafe !UnsafeBufferPointer(rebasing: bytes[before..<before + count]).elementsEqual(expected) {
            result = .different
            transfer?.cancel()
        } else if compared == sample.bytes.count {
            if isOfAll { transfer?.cancel() } else { remainder = ResponseRemainder { self.transfer?.cancel() } }
        }
        return true
    }

    func end(_: Result<Void, TransferError>) {
        (transfer, remainder) = (nil, nil)
        place.take()?.end()
        EventLoop.post { self.settle() }
    }

    private func settle() {
        if let next = next.take() {
            source = next
            return start()
        }
        guard result == .given, let sample = samples.popFirst() else { return done(result) }
        guard compared == sample.bytes.count else { return done(.refused) }
        if samples.isEmpty { done(.given) } else { start() }
    }
}
