import EventIO
import HTTP

/// Addresses of which something is known. Where the path has the content's name in it, the query is a signature: with another signature from the Hub
/// a client would get the same content from the store, so to know it of one is enough.
struct ConfirmedAddresses {
    /// In each half.
    private static let most = 8192

    private var older: Set<Key> = []
    private var newer: Set<Key> = []

    /// A digest: a URL can be thousands of bytes long, and a client chooses how many there are.
    struct Key: Hashable {
        fileprivate let digest: [UInt8]

        init(_ name: BlobName, at url: String) {
            let path = url.prefix { $0 != "?" && $0 != "#" }
            let text = path.hasSuffix("/" + name.hex) ? String(path) : name.hex + " " + url
            digest = MessageDigest.sha256(Array(text.utf8))
        }
    }

    func contains(_ key: Key) -> Bool { newer.contains(key) || older.contains(key) }

    mutating func insert(_ key: Key) {
        if newer.count >= Self.most { (older, newer) = (newer, []) }
        newer.insert(key)
    }
}

extension ConfirmedAddresses.Key {
    /// As the disk has it.
    var origin: BlobOrigin { BlobOrigin(digest) }

    /// Content of so many bytes is compared as a whole.
    private static let small = 64 << 10
    /// Of a sample of longer content.
    private static let sampled = 16 << 10
    private static let secret = SharedSecret.derive("samples of files")

    /// Where samples are taken in `range` of the content: for one address always in the same places, and nobody outside knows which.
    func samples(in range: Range<Int>, count: Int) -> [Range<Int>] {
        guard range.count > Self.small else { return [range] }
        return (0..<count).map { number in
            let seed = Self.secret + digest + UInt64(range.lowerBound).littleEndianBytes + [UInt8(number)]
            let place = UInt64(littleEndianBytes: Array(MessageDigest.sha256(seed).prefix(8)))
            let start = range.lowerBound + Int(place % UInt64(range.count - Self.sampled + 1))
            return start..<start + Self.sampled
        }
    }
}
