import HTTP

/// By what a stored response is found: who may have it, what was asked for, and how the client called the gateway, since what leads here
/// in a response begins with that.
///
/// Of the request's other fields it has all values of those by which nearly every server chooses; those that a response names in `Vary` are
/// compared besides (`CachedResponse`). They are the client's: `CacheRules.concerns` leaves out a request of which the Hub gets others.
struct CacheKey: Sendable {
    let bytes: [UInt8]
    /// Made once: a dictionary would make it of all bytes at each look.
    let digest: Int

    private static let choosing = ["Host", "Accept", "Accept-Encoding"]

    init(
        _ request: Request, to target: Target, in partition: CachePartition, forwarded: ForwardedOrigin?, shape: Int
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(target.pathAndQuery.utf8.count + 160)
        bytes += request.method.rawValue.utf8
        bytes += " ".utf8
        bytes += target.pathAndQuery.utf8
        for name in Self.choosing {
            bytes.append(0)
            request.headers.appendValues(of: name, to: &bytes)
        }
        if let forwarded { bytes += "\0\(forwarded.scheme ?? "")\0\(forwarded.authority ?? "")".utf8 }
        self.bytes = bytes
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hasher.combine(partition)
        hasher.combine(shape)
        digest = hasher.finalize()
        self.partition = partition
        self.shape = shape
    }

    private let partition: CachePartition
    /// The number of the `ResponseShape`.
    let shape: Int

    /// What it takes of memory, in bytes, more or less.
    var size: Int { bytes.count + 64 }
}

extension CacheKey: Hashable {
    static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.digest == right.digest && left.shape == right.shape && left.bytes == right.bytes
            && left.partition == right.partition
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}
