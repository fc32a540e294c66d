import EventIO
import Hub

/// One file of `cache_dir`, as `hubgate cache list --json` prints it.
struct BlobSummary {
    let name: BlobName
    /// In bytes: of the file, and of the part of it that is in the cache.
    let size: Int
    let held: Int
    let isComplete: Bool
    let hits: UInt64
    /// When it was first asked for, in seconds since 1970.
    let created: Int
    /// It belongs to a repository that is pinned: it stays.
    let isPinned: Bool

    init(_ file: BlobFile, held: Int) {
        let header = file.header
        (name, size, isComplete) = (file.name, file.layout.size, file.isComplete)
        (self.held, hits, created) = (held, header?.hits ?? 0, header?.created ?? 0)
        isPinned = header?.isPinned ?? false
    }

    var json: JSON {
        [
            "sha256": .string(name.hex), "size": .integer(Int64(size)), "held": .integer(Int64(held)),
            "complete": .bool(isComplete), "hits": .integer(Int64(clamping: hits)),
            "pinned": .bool(isPinned), "created": .string(WallClock.iso8601(Int64(created))),
        ]
    }
}
