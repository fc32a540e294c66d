import EventIO

/// Some bytes of a file. A store that has the file at an address gives the same.
struct FileSample: Sendable {
    let range: Range<Int>
    let bytes: [UInt8]
}

/// Reads samples of a blob from the disk.
@EventLoop
final class BlobSampling: LoopWork {
    var isQueued = false
    private let blob: Blob
    private lazy var reading = BlobReading(blob, for: self)
    private var places: ArraySlice<Range<Int>>
    private var samples: [FileSample] = []
    /// Of the one at hand.
    private var bytes: [UInt8] = []
    private let then: @EventLoop ([FileSample]?) -> Void
    /// Who reads holds this weakly.
    private var own: BlobSampling?

    /// `then` is called once, later: with nil where the disk does not give them.
    init(of blob: Blob, at places: [Range<Int>], then: @escaping @EventLoop ([FileSample]?) -> Void) {
        (self.blob, self.places, self.then) = (blob, places[...], then)
    }

    func start() {
        own = self
        blob.cache.turns.add(self)
    }

    func turn() {
        guard own != nil, let place = places.first else { return }
        switch reading.read(at: place.lowerBound + bytes.count, count: place.count - bytes.count) {
        case .bytes(let count) where count > 0:
            unsafe bytes.append(contentsOf: blob.cache.buffer.bytes)
            if bytes.count >= place.count { take(place) }
        case .later, .unknown: return
        case .bytes, .failed: return end(nil)
        }
        if places.isEmpty { end(samples) } else { blob.cache.turns.add(self) }
    }

    private func take(_ place: Range<Int>) {
        samples.append(FileSample(range: place, bytes: bytes))
        (bytes, places) = ([], places.dropFirst())
    }

    private func end(_ samples: [FileSample]?) {
        own = nil
        then(samples)
    }
}
