import EventIO
import Glibc

/// A file that is to be removed is renamed first, and the process that makes room deletes it: to free the blocks of a large file takes long, and the
/// last close of a file without a name does that.
///
/// It stays in its directory, under a name that is not looked for: Landlock does not let a restricted process move a file to another directory.
extension CacheDirectory {
    static let removed = ".removed-"

    /// The claim that a process holds while it has a file open: the last close of a large file takes long.
    static let use = (1 << 56) - 2

    /// Removes a blob's name: it is not found any more, and readers that have it open read it to its end. Throws what the kernel says.
    /// `note` gets the names that it has from then on.
    func discard(_ name: BlobName, note: (String) -> Void = { _ in }) throws(FileError) {
        for isComplete in [true, false] {
            if let path = try discard(path(of: name, isComplete: isComplete)) { note(path) }
        }
    }

    /// The same for a file; returns its name from then on. Nil where it did not exist, or was deleted since the disk has no room for another name.
    func discard(_ path: String) throws(FileError) -> String? {
        let new = path + Self.removed + String(UInt64.random(in: 0 ... .max), radix: 16)
        if unsafe rename(path, new) == 0 { return new }
        let reason = errno
        guard unsafe reason == ENOENT || unlink(path) == 0 else { throw FileError(reason) }
        return nil
    }

    /// The same, and deletes it, unless a process has it open. Waits for the disk.
    func remove(_ name: BlobName) throws(FileError) {
        var paths: [String] = []
        try discard(name) { paths.append($0) }
        for path in paths { _ = try delete(path) }
    }

    /// Deletes a file whose name was removed. False: a process still has it open. Waits for the disk.
    func delete(_ path: String) throws(FileError) -> Bool {
        // Open until it is deleted: the last close is here.
        let file = try? StoredFile(path, .read)
        if let file, file.isClaimedElsewhere(Self.use..<Self.use + 1) { return false }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError() }
        return true
    }

    /// Files of a directory that have lost their names.
    static func removed(among names: [String]) -> [String] { names.filter { $0.contains(Self.removed) } }
}
