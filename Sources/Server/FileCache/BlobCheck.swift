import EventIO

/// Checks a blob on the disk from its beginning to its end, and waits for the disk: for the command line.
struct BlobCheck {
    let name: BlobName
    let isComplete: Bool
    let size: Int
    /// Bytes of the pieces that are there.
    private(set) var held = 0
    /// Pieces that are not what was fetched.
    private(set) var damaged: [Int] = []
    /// The blob is whole, and its SHA-256 is not its name.
    private(set) var isOther = false

    var isGood: Bool { damaged.isEmpty && !isOther }

    /// With `isDeep` off its content is not read.
    init(_ file: BlobFile, isDeep: Bool) {
        (name, isComplete, size) = (file.name, file.isComplete, file.layout.size)
        let (buffer, all, own) = (FileBuffer(capacity: 1 << 20), IncrementalSHA256(), IncrementalSHA256())
        var missing = false
        for piece in 0..<file.layout.pieces {
            let range = file.layout.range(of: piece)
            guard let entry = file.entry(of: piece) else {
                missing = true
                continue
            }
            held += range.count
            guard isDeep else { continue }
            unsafe Self.read(file, range, buffer) { bytes in
                unsafe own.add(bytes)
                unsafe all.add(bytes)
            }
            if own.finish() != entry.digest { damaged.append(piece) }
        }
        isOther = isDeep && isComplete && (missing || !name.isOf(all.finish()))
    }

    private static func read(
        _ file: BlobFile, _ range: Range<Int>, _ buffer: FileBuffer, _ take: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        var position = range.lowerBound
        while position < range.upperBound,
            case .bytes(let count) = file.readWaiting(into: buffer, at: position, count: range.upperBound - position),
            count > 0
        {
            unsafe take(buffer.bytes)
            position += count
        }
    }
}

extension CacheDirectory {
    /// All blobs that are there, in the order of their names. Throws where the directory cannot be read.
    func all() throws(FileError) -> [(name: BlobName, isComplete: Bool)] {
        guard SystemFiles.list(blobs) != nil else { throw FileError() }
        return Self.parts.flatMap { part in
            (SystemFiles.list(blobs + "/" + part) ?? []).compactMap { Self.blob($0) }
        }
    }
}
