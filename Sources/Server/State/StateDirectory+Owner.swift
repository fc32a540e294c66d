import Glibc

extension StateDirectory {
    private static let names = [
        "hubgate.db", "hubgate.db-wal", "hubgate.db-shm", "hubgate.db-journal", "signing.key", "session.key", "audit",
    ]

    /// Whether a file of that name belongs in it; a crash may have left a draft of `signing.key`. The directory `audit` is the audit's.
    private static func isOurs(_ name: String) -> Bool {
        names.contains(name) || name.hasPrefix("signing.key.") || name.hasPrefix("session.key.")
    }

    /// Root gives a directory that it has made to the user that the gateway is about to become.
    func give(to user: UInt32, group: UInt32) {
        OwnDirectory.give(path, to: user, group: group, isOurs: Self.isOurs)
    }
}

/// A directory that root has made for another user.
enum OwnDirectory {
    /// Gives it and its files to the user. A directory that contains anything else is not ours, and its owner stays.
    static func give(_ path: String, to user: UInt32, group: UInt32, isOurs: (String) -> Bool) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_uid == 0, status.st_mode & 0o077 == 0,
            let names = names(descriptor), names.allSatisfy(isOurs)
        else { return }
        // The directory last: until then only root can put another file into it.
        for name in names { give(name, in: descriptor, to: user, group) }
        _ = fchown(descriptor, user, group)
    }

    /// Nil where it cannot be read.
    private static func names(_ directory: Int32) -> [String]? {
        // A second descriptor, which closedir closes.
        let own = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { return nil }
        guard let entries = unsafe fdopendir(own) else {
            close(own)
            return nil
        }
        defer { unsafe closedir(entries) }
        var names: [String] = []
        while let entry = unsafe readdir(entries) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
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
