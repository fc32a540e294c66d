import EventIO

/// Which of several replicas fetches a file for all of them: the one with the highest weight, by rendezvous hashing. All find the same one without
/// talking to each other, and a replica that comes or goes changes the owner of its own files alone.
struct PeerRing: Equatable, Sendable {
    /// Of all of them.
    let origins: [String]
    /// This gateway's.
    let own: String

    func owner(of name: BlobName) -> String {
        var (owner, most) = (own, [UInt8]())
        for origin in origins {
            let weight = Self.weight(of: origin, for: name)
            if most.lexicographicallyPrecedes(weight) { (owner, most) = (origin, weight) }
        }
        return owner
    }

    /// A number of 256 bits. A name always has the same length, so two pairs never make the same text.
    private static func weight(of origin: String, for name: BlobName) -> [UInt8] {
        MessageDigest.sha256(Array(origin.utf8) + Array(name.hex.utf8))
    }
}
