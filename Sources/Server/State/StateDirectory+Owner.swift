import Glibc

extension StateDirectory {
    /// All that may be in it, but for a draft of the last that a crash has left.
    private static let names = ["hubgate.db", "hubgate.db-wal", "hubgate.db-shm", "hubgate.db-journal", "signing.key"]

    /// Root gives a directory that it has made to the user that the gateway is about to become. One in which there is anything else is
    /// no directory of ours, and stays whose it is.
    func give(to user: UInt32, group: UInt32) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_uid == 0, status.st_mode & 0o077 == 0,
            Self.hasOnlyOurs(descriptor)
        else { return }
        // The directory last: until then nobody but root can put another file into it.
        for name in Self.names { Self.give(name, in: descriptor, to: user, group) }
        _ = fchown(descriptor, user, group)
    }

    private static func hasOnlyOurs(_ directory: Int32) -> Bool {
        // A descriptor of its own, which closedir takes along.
        let own = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { return false }
        guard let entries = unsafe fdopendir(own) else {
            close(own)
            return false
        }
        defer { unsafe closedir(entries) }
        while let entry = unsafe readdir(entries) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            guard [".", ".."].contains(name) || names.contains(name) || name.hasPrefix("signing.key.") else {
                return false
            }
        }
        return true
    }

    private static func give(_ name: String, in directory: Int32, to user: UInt32, _ group: UInt32) {
        let descriptor = unsafe openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == 0,
            status.st_nlink == 1
        else { return }
        _ = fchown(descriptor, user, group)
    }
}
