import EventIO

/// A part of a file, by which a store can show that it has the file at an address.
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
    /// The bytes of the sample that is being read.
    private var bytes: [UInt8] = []
    private let then: @EventLoop ([FileSample]?) -> Void
    /// Keeps this object until all samples are read: `BlobReading` refers to it weakly.
    private var own: BlobSampling?

    /// `then` is called once, later: with nil if the disk cannot be read.
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
