import HTTP

/// The key of a stored response: the partition that may have it, the request, and how the client called the gateway, since links to the gateway
/// in a response begin with that.
///
/// Of the request's other fields it has those by which nearly every server chooses, with all their values; those that a response names in `Vary` are
/// compared besides (`CachedResponse`). They are the client's own: `CacheRules.concerns` leaves out a request of which the Hub gets others.
struct CacheKey: Sendable {
    let bytes: [UInt8]
    /// Computed once: a dictionary would hash all bytes at each look-up.
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

    /// About how much memory it takes, in bytes.
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
