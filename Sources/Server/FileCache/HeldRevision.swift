import EventIO
import Hub

/// A commit of a repository, so that it can be read while the Hub cannot be asked: its information, and all its paths. Which clients may
/// have it follows from `isOpen`, and from the credential it was fetched with: the gateway's own.
struct HeldRevision: Equatable, Sendable {
    let repo: RepoKey
    let commit: String
    /// Whether it was public and without a gate when it was fetched.
    var isOpen: Bool
    /// When it was fetched, in seconds since 1970.
    var taken: Int64
    /// The Hub's information about the revision, as it was sent.
    var info: [UInt8]
    /// In the order of the bytes of their paths, each once.
    let entries: HeldEntries

    static let mostEntries = 200_000
    static let mostInfo = 32 << 20
    static let mostBytes = 128 << 20
    static let magic = "hubgate revision 1"

    /// `entries` are sorted.
    init(_ repo: RepoKey, commit: String, isOpen: Bool, taken: Int64, info: [UInt8], entries: HeldEntries) {
        (self.repo, self.commit, self.isOpen, self.taken, self.info) = (repo, commit, isOpen, taken, info)
        self.entries = entries
    }

    var files: [HeldEntry] { entries.filter { $0.place != .folder } }
    /// The blobs that it needs.
    var contents: Set<BlobName> { Set(entries.indices.compactMap { entries.content(at: $0) }) }

    /// The same, a part in each turn of the loop.
    @EventLoop
    func contents(_ share: inout TurnShare) async -> Set<BlobName> {
        var found = Set<BlobName>(minimumCapacity: entries.count)
        for index in entries.indices {
            if let content = entries.content(at: index) { found.insert(content) }
            if index % 64 == 0 { await share.pause() }
        }
        return found
    }

    /// The index of the first entry that is not before `path`.
    func index(of path: String) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries.isPath(at: middle, before: path.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Compared by bytes: git distinguishes texts that Swift takes as equal.
    subscript(_ path: String) -> HeldEntry? {
        let index = index(of: path)
        guard index < entries.count else { return nil }
        let found = entries[index]
        return found.path.utf8.elementsEqual(path.utf8) ? found : nil
    }
}

// MARK: on the disk

extension HeldRevision {
    /// With its SHA-256 at the end.
    var bytes: [UInt8] {
        var (writing, bytes): (HeldRevisionWriting, [UInt8]) = (HeldRevisionWriting(self), [])
        while let part = writing.next() { bytes += part }
        return bytes
    }

    /// Nil for what `bytes` cannot have made.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > 32, MessageDigest.sha256(Array(bytes.dropLast(32))).elementsEqual(bytes.suffix(32)),
            var reading = HeldRevisionReading(bytes)
        else { return nil }
        while reading.entries.count < reading.count {
            guard reading.read(1000) else { return nil }
        }
        guard let revision = reading.finish() else { return nil }
        self = revision
    }
}

/// Makes the bytes of a revision's file, a part at a time.
struct HeldRevisionWriting {
    private static let entriesAPart = 500
    private static let infoAPart = 256 << 10

    private let revision: HeldRevision
    private let hash = IncrementalSHA256()
    private var hasBegun = false
    private var isOver = false
    private var entry = 0
    /// How much of the information is written; nil: not even its length.
    private var info: Int?

    init(_ revision: HeldRevision) {
        self.revision = revision
    }

    /// Nil after the last part.
    mutating func next() -> [UInt8]? {
        guard !isOver else { return nil }
        guard let part = content() else {
            isOver = true
            return hash.finish()
        }
        unsafe part.withUnsafeBufferPointer { unsafe hash.add($0) }
        return part
    }

    private mutating func content() -> [UInt8]? {
        var writer = ByteWriter()
        if !hasBegun {
            hasBegun = true
            writer.put(HeldRevision.magic)
            writer.put(revision.repo.folder)
            writer.put(revision.commit)
            writer.put(UInt8(revision.isOpen ? 1 : 0))
            writer.put(revision.taken)
            writer.put(UInt32(revision.entries.count))
        } else if entry < revision.entries.count {
            let end = min(revision.entries.count, entry + Self.entriesAPart)
            for index in entry..<end {
                let entry = revision.entries[index]
                writer.put(entry.path)
                writer.put(Int64(entry.size))
                writer.put(entry.oid)
                writer.put(entry.place.rawValue)
                writer.put(entry.named?.hex ?? "")
            }
            entry = end
        } else if let start = info {
            guard start < revision.info.count else { return nil }
            let end = min(revision.info.count, start + Self.infoAPart)
            info = end
            return Array(revision.info[start..<end])
        } else {
            info = 0
            writer.put(UInt32(revision.info.count))
        }
        return writer.bytes
    }
}

/// Reads a revision a part at a time.
struct HeldRevisionReading {
    let repo: RepoKey
    let commit: String
    let isOpen: Bool
    let taken: Int64
    /// How many entries there are.
    let count: Int
    private(set) var entries = HeldEntries()
    private var last: String?
    private var reader: ByteReader

    /// So many bytes of the beginning are enough for all but entries and information.
    static let headBytes = 512

    /// From all bytes, or from the first ones. Nil for bytes that are no revision.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard reader.text() == HeldRevision.magic, let repo = reader.text().flatMap({ RepoKey(folder: $0) }),
            let commit = reader.text(), GitNames.isHash(commit), let isOpen = reader.number(UInt8.self),
            let taken = reader.number(Int64.self), let count = reader.number(UInt32.self),
            count <= HeldRevision.mostEntries
        else { return nil }
        (self.repo, self.commit, self.isOpen, self.taken, self.count) = (repo, commit, isOpen == 1, taken, Int(count))
        self.reader = reader
    }

    /// Reads up to `most` more entries. False: it is damaged.
    mutating func read(_ most: Int) -> Bool {
        if entries.isEmpty { entries.reserve(count) }
        for _ in 0..<min(most, count - entries.count) {
            guard let path = reader.text(), GitNames.isPath(path), let size = reader.number(Int64.self), size >= 0,
                let oid = reader.text(), GitNames.isHash(oid),
                let place = reader.number(UInt8.self).flatMap(HeldEntry.Place.init(rawValue:)),
                let content = reader.text(), content.isEmpty || BlobName(content) != nil,
                last.map({ $0.utf8.lexicographicallyPrecedes(path.utf8) }) ?? true
            else { return false }
            last = path
            entries.append(HeldEntry(path: path, size: Int(size), oid: oid, place: place, content: BlobName(content)))
        }
        return true
    }

    /// The revision, once all entries are read. Nil: it is damaged.
    mutating func finish() -> HeldRevision? { end().map { revision(Array($0)) } }

    /// The same, a part in each turn of the loop.
    @EventLoop
    mutating func finish(_ share: inout TurnShare) async -> HeldRevision? {
        guard var rest = end() else { return nil }
        var info: [UInt8] = []
        info.reserveCapacity(rest.count)
        while !rest.isEmpty {
            info += rest.prefix(64 << 10)
            rest = rest.dropFirst(64 << 10)
            await share.pause()
        }
        return revision(info)
    }

    private mutating func end() -> ArraySlice<UInt8>? {
        guard entries.count == count, let info = reader.slice(), reader.rest().count == 32 else { return nil }
        return info
    }

    private func revision(_ info: [UInt8]) -> HeldRevision {
        HeldRevision(repo, commit: commit, isOpen: isOpen, taken: taken, info: info, entries: entries)
    }
}
