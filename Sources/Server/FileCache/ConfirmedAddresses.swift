import EventIO
import HTTP

/// A bounded set of addresses. Where the path has the content's name in it, the query is a signature: with another signature from the Hub
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
    /// The same in the index of a blob.
    var origin: BlobOrigin { BlobOrigin(digest) }

    /// Content of at most so many bytes is compared as a whole.
    private static let small = 64 << 10
    /// Bytes of one sample of longer content.
    private static let sampled = 16 << 10
    private static let secret = SharedSecret.derive("samples of files")

    /// The parts of `range` that are compared: always the same ones for one address, and secret, so that no author can prepare for them.
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
