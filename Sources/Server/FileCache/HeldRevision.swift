import EventIO
import Hub

/// A file or a folder of a commit.
struct HeldEntry: Equatable, Sendable {
    enum Place: UInt8, Sendable {
        case folder
        /// In git itself.
        case git
        /// In a store, by its SHA-256 (Git LFS, Xet).
        case store
    }

    let path: String
    /// Of the content, in bytes.
    let size: Int
    /// Its name in git; of a file in a store that of its pointer.
    let oid: String
    let place: Place
    /// By what its content is in the cache; nil for a file of git that was not fetched, and for an empty one.
    var content: BlobName?

    /// As clients are told it.
    var etag: String { "\"\(place == .store ? content?.hex ?? oid : oid)\"" }
}

/// What is known of a commit of a repository, so that it can be read while the Hub cannot be asked: its information, and all its paths. Who may
/// have it follows from `isOpen` and from whose credential it was fetched with: the gateway's own.
struct HeldRevision: Equatable, Sendable {
    let repo: RepoKey
    let commit: String
    /// Whether it was public and without a gate when it was fetched.
    var isOpen: Bool
    /// When that was, in seconds since 1970.
    var taken: Int64
    /// What the Hub says of the revision, as it said it.
    var info: [UInt8]
    /// By the bytes of their paths, each once.
    private(set) var entries: [HeldEntry]

    static let mostEntries = 200_000
    static let mostInfo = 32 << 20
    static let mostBytes = 128 << 20
    private static let magic = "hubgate revision 1"

    init(_ repo: RepoKey, commit: String, isOpen: Bool, taken: Int64, info: [UInt8], entries: [HeldEntry]) {
        (self.repo, self.commit, self.isOpen, self.taken, self.info) = (repo, commit, isOpen, taken, info)
        self.entries = entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    var files: [HeldEntry] { entries.filter { $0.place != .folder } }
    /// The blobs that it needs.
    var contents: Set<BlobName> { Set(entries.compactMap(\.content)) }

    /// The place of the first entry that is not before `path`.
    func index(of path: String) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].path.utf8.lexicographicallyPrecedes(path.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Compared by bytes: git tells apart what Swift takes for the same text.
    subscript(_ path: String) -> HeldEntry? {
        let index = index(of: path)
        guard index < entries.count, entries[index].path.utf8.elementsEqual(path.utf8) else { return nil }
        return entries[index]
    }

    /// The same with the contents that are known by now, by path.
    func with(contents: [String: BlobName]) -> HeldRevision {
        var found = self
        for index in found.entries.indices {
            if let content = contents[found.entries[index].path] { found.entries[index].content = content }
        }
        return found
    }
}

// MARK: on the disk

extension HeldRevision {
    /// With its SHA-256 behind it.
    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.magic)
        writer.put(repo.folder)
        writer.put(commit)
        writer.put(UInt8(isOpen ? 1 : 0))
        writer.put(taken)
        writer.put(UInt32(entries.count))
        for entry in entries {
            writer.put(entry.path)
            writer.put(Int64(entry.size))
            writer.put(entry.oid)
            writer.put(entry.place.rawValue)
            writer.put(entry.content?.hex ?? "")
        }
        writer.put(info)
        return writer.bytes + MessageDigest.sha256(writer.bytes)
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

/// Reads a revision a part at a time.
struct HeldRevisionReading {
    let repo: RepoKey
    let commit: String
    let isOpen: Bool
    let taken: Int64
    /// How many entries there are.
    let count: Int
    private(set) var entries: [HeldEntry] = []
    private var reader: ByteReader

    /// So much of the beginning is enough for all but entries and info.
    static let headBytes = 512

    /// Of all of it, or of its beginning. Nil for what is none.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard reader.text() == "hubgate revision 1", let repo = reader.text().flatMap({ RepoKey(folder: $0) }),
            let commit = reader.text(), GitNames.isHash(commit), let isOpen = reader.number(UInt8.self),
            let taken = reader.number(Int64.self), let count = reader.number(UInt32.self),
            count <= HeldRevision.mostEntries
        else { return nil }
        (self.repo, self.commit, self.isOpen, self.taken, self.count) = (repo, commit, isOpen == 1, taken, Int(count))
        self.reader = reader
    }

    /// Reads so many entries more. False: it is damaged.
    mutating func read(_ most: Int) -> Bool {
        for _ in 0..<min(most, count - entries.count) {
            guard let path = reader.text(), GitNames.isPath(path), let size = reader.number(Int64.self), size >= 0,
                let oid = reader.text(), GitNames.isHash(oid),
                let place = reader.number(UInt8.self).flatMap(HeldEntry.Place.init(rawValue:)),
                let content = reader.text(), content.isEmpty || BlobName(content) != nil,
                entries.last.map({ $0.path.utf8.lexicographicallyPrecedes(path.utf8) }) ?? true
            else { return false }
            entries.append(
                HeldEntry(path: path, size: Int(size), oid: oid, place: place, content: BlobName(content)))
        }
        return true
    }

    /// With all entries read: the revision. Nil: it is damaged.
    mutating func finish() -> HeldRevision? {
        guard entries.count == count, let info = reader.blob(), reader.rest().count == 32 else { return nil }
        return HeldRevision(repo, commit: commit, isOpen: isOpen, taken: taken, info: info, entries: entries)
    }
}
