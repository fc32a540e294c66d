import EventIO
import Glibc

/// `cache_dir`: `blobs/sha256/ab/HASH` for a whole blob, `HASH.part` for one that is not; `revisions`, `pins` and `orders`; and `lock`, which
/// the one process holds that makes room.
struct CacheDirectory: Sendable {
    static let partial = ".part"

    let path: String

    var blobs: String { path + "/blobs/sha256" }
    var lockPath: String { path + "/lock" }

    /// The directories that blobs are in, by the first two digits of their names.
    static let parts: [String] = (0..<256).map { number in
        let hex = String(number, radix: 16)
        return hex.utf8.count == 1 ? "0" + hex : hex
    }

    func path(of name: BlobName, isComplete: Bool) -> String {
        "\(blobs)/\(name.hex.prefix(2))/\(name.hex)\(isComplete ? "" : Self.partial)"
    }

    /// The blob of a file of that name; nil for any other file.
    static func blob(_ fileName: String) -> (name: BlobName, isComplete: Bool)? {
        if let name = BlobName(fileName) { return (name, true) }
        guard fileName.hasSuffix(partial), let name = BlobName(fileName.dropLast(partial.count)) else { return nil }
        return (name, false)
    }

    /// Makes all directories that do not exist. The process that serves makes none: it may not.
    func make() throws(FileError) {
        for directory in [path, path + "/blobs", blobs, revisions, pins, orders] + Self.parts.map({ blobs + "/" + $0 })
        {
            guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw FileError() }
        }
        // A directory that cannot be written is noticed now, and not by the first client.
        _ = try StoredFile(lockPath, .create)
    }

    /// Root gives the files that it has just made to the user that the gateway is about to become. Files of other users stay theirs.
    func give(to user: UInt32, group: UInt32) {
        for directory in Self.parts.map({ blobs + "/" + $0 }) + [
            lockPath, blobs, revisions, pins, orders, path + "/blobs", path,
        ] {
            let descriptor = unsafe open(directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, status.st_uid == 0, status.st_mode & 0o077 == 0 else {
                continue
            }
            _ = fchown(descriptor, user, group)
        }
    }
}
