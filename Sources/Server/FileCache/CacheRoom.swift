import Glibc

/// How much of its file system `cache_dir` may take.
///
/// A reserve is left to other programs, whatever `cache_size` says: a twentieth of the file system, 8 GiB at most. Where less than half of it is free,
/// nothing more is kept; before that, files are evicted.
struct CacheRoom: Equatable {
    static let mostReserve = 8 << 30

    /// Of the file system, in bytes.
    let total: Int
    /// How much its user can still write, in bytes.
    let free: Int

    init(total: Int, free: Int) {
        (self.total, self.free) = (total, free)
    }

    /// The present values; nil where the kernel does not say.
    init?(of path: String) {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        // Numbers that make no sense count as no bounds.
        let unit = Int(clamping: status.f_frsize)
        total = Self.bytes(UInt64(status.f_blocks), unit)
        free = Self.bytes(UInt64(status.f_bavail), unit)
    }

    /// The most that all files of a cache may take together, in bytes: the setting, and never all of the file system.
    static func most(_ size: CacheSize, at path: String) -> Int {
        guard let room = CacheRoom(of: path) else { return size.bytes(of: 0) }
        return min(size.bytes(of: room.total), room.total - room.reserve)
    }

    private static func bytes(_ count: UInt64, _ unit: Int) -> Int {
        let (product, overflow) = Int(clamping: count).multipliedReportingOverflow(by: unit)
        return overflow ? .max : product
    }

    var reserve: Int { min(total / 20, Self.mostReserve) }

    /// Nothing more may be written.
    var isShort: Bool { free < reserve / 2 }

    /// The most that the files may take, where they take `taken` at present.
    func limit(_ size: CacheSize, taken: Int) -> Int {
        let (sum, overflow) = taken.addingReportingOverflow(free - reserve)
        return min(size.bytes(of: total), overflow ? .max : max(0, sum))
    }
}
