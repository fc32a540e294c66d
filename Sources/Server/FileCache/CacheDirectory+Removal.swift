import EventIO
import Glibc

/// What goes loses its name first, and is deleted by the process that makes room: to free the blocks of a large file takes long, and whoever closes
/// one last without a name does that.
///
/// It stays in its directory under a name that nobody looks for: to move a file to another one is what Landlock refuses to a process that gave up
/// rights.
extension CacheDirectory {
    static let removed = ".removed-"

    /// As long as somebody has a file open whose last close would take long, it is claimed so.
    static let use = (1 << 56) - 2

    /// Nobody finds a blob any more; who has it open reads it to its end. Throws what the kernel says.
    /// `note` gets the names that it has from then on.
    func discard(_ name: BlobName, note: (String) -> Void = { _ in }) throws(FileError) {
        for isComplete in [true, false] {
            if let path = try discard(path(of: name, isComplete: isComplete)) { note(path) }
        }
    }

    /// The same of a file; gives its name from then on, nil where it was not there, or where the disk has no room for another name: then it is gone.
    func discard(_ path: String) throws(FileError) -> String? {
        let new = path + Self.removed + String(UInt64.random(in: 0 ... .max), radix: 16)
        if unsafe rename(path, new) == 0 { return new }
        let reason = errno
        guard unsafe reason == ENOENT || unlink(path) == 0 else { throw FileError(reason) }
        return nil
    }

    /// The same, and deletes it, unless somebody has it open. Waits for the disk.
    func remove(_ name: BlobName) throws(FileError) {
        var paths: [String] = []
        try discard(name) { paths.append($0) }
        for path in paths { _ = try delete(path) }
    }

    /// Deletes what has lost its name. False: somebody has it open still. Waits for the disk.
    func delete(_ path: String) throws(FileError) -> Bool {
        // Open until it is deleted: the last close is here.
        let file = try? StoredFile(path, .read)
        if let file, file.isClaimedElsewhere(Self.use..<Self.use + 1) { return false }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError() }
        return true
    }

    /// What has lost its name in a directory.
    static func removed(among names: [String]) -> [String] { names.filter { $0.contains(Self.removed) } }
}
