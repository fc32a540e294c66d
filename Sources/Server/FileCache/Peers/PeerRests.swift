import EventIO

/// Which replicas are not called, and for which files, since they failed: a circuit breaker. After a fault of one file, such as a store that is slow
/// to give it, its owner is not asked for that file; several such faults in a row count as the replica's own.
struct PeerRests {
    /// What a fault belongs to.
    enum Fault: Comparable {
        case ofFile, ofReplica
    }

    /// How long a file or a replica is not asked for, in milliseconds.
    static let rest: UInt64 = 30_000
    /// The same after bytes that were not the file's.
    static let longRest: UInt64 = 600_000
    /// After faults of so many files in a row, with none in between that it gave.
    static let mostFiles = 3
    /// For one replica. If there were more, all its files come from the store.
    private static let mostResting = 64

    private struct Replica {
        var until: MonotonicInstant?
        var files: [BlobName: MonotonicInstant] = [:]
        /// Files that failed since it last gave one.
        var inARow: Set<BlobName> = []
        /// What was logged since it last gave a file.
        var told: Fault?
    }

    private var replicas: [String: Replica] = [:]

    func isResting(_ origin: String, _ name: BlobName, now: MonotonicInstant) -> Bool {
        guard let replica = replicas[origin] else { return false }
        return replica.until.map { $0 > now } ?? false || replica.files[name].map { $0 > now } ?? false
    }

    /// Returns what is not asked for from now on, nil where the log says so already.
    mutating func failed(
        _ origin: String, _ name: BlobName, _ fault: Fault, for milliseconds: UInt64 = rest, now: MonotonicInstant
    ) -> Fault? {
        var replica = replicas[origin] ?? Replica()
        defer { replicas[origin] = replica }
        if replica.inARow.count < Self.mostFiles { replica.inARow.insert(name) }
        replica.files = replica.files.filter { $0.value > now }
        let isOfReplica =
            fault == .ofReplica || replica.inARow.count >= Self.mostFiles || replica.files.count >= Self.mostResting
        let until = now.advanced(milliseconds: milliseconds)
        if isOfReplica {
            replica.until = max(replica.until ?? until, until)
            replica.files = [:]
        } else {
            replica.files[name] = until
        }
        let level: Fault = isOfReplica ? .ofReplica : .ofFile
        if let told = replica.told, told >= level { return nil }
        replica.told = level
        return level
    }

    /// It has given a file. Returns whether the log last said that it does not.
    mutating func gave(_ origin: String) -> Bool {
        guard let replica = replicas[origin] else { return false }
        replicas[origin]?.inARow = []
        replicas[origin]?.told = nil
        return replica.told != nil
    }
}
