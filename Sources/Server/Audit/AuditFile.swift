import EventIO
import Glibc

/// One file of the audit, open for appending. A write that fails half way is undone.
final class AuditFile {
    let path: String
    private let descriptor: Int32
    /// So many bytes are known to be whole. After a failure more may follow them.
    private(set) var length: Int
    private var hasRest = false
    /// A power cut could take its last lines.
    private var hasUnsynced = false

    private init(_ path: String, _ descriptor: Int32, length: Int) {
        (self.path, self.descriptor, self.length) = (path, descriptor, length)
    }

    deinit {
        close(descriptor)
    }

    /// Makes a file that must not be there.
    static func make(_ path: String) throws(AuditError) -> AuditFile {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AuditError("\(path.shown) cannot be made: \(SystemError.text(errno))") }
        _ = fchmod(descriptor, 0o600)
        return AuditFile(path, descriptor, length: 0)
    }

    /// Opens a file that is there.
    static func open(_ path: String) throws(AuditError) -> AuditFile {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
            throw AuditError("\(path.shown) cannot be opened to be written: \(SystemError.text(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw AuditError("\(path.shown) is no file")
        }
        let file = AuditFile(path, descriptor, length: Int(status.st_size))
        // Its last writer may have died before it was synced.
        file.hasUnsynced = true
        return file
    }

    /// Appends `bytes`, and with `syncing` returns when they are on the disk, as all before them. Throws where that cannot be done, and takes
    /// back what was written.
    func append(_ bytes: [UInt8], syncing: Bool = true) throws(AuditError) {
        if hasRest { try cut(to: length) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(
                    descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written, off_t(length + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return try takeBack(errno) }
            written += count
        }
        // Unlike other metadata, the file's length is made durable by this too.
        if syncing, fdatasync(descriptor) != 0 { return try takeBack(errno) }
        length += bytes.count
        hasUnsynced = !syncing
    }

    /// Returns when all is on the disk.
    func sync() throws(AuditError) {
        guard hasUnsynced else { return }
        guard fdatasync(descriptor) == 0 else {
            throw AuditError("\(path.shown) cannot be written: \(SystemError.text(errno))")
        }
        hasUnsynced = false
    }

    private func takeBack(_ number: Int32) throws(AuditError) {
        hasRest = true
        try? cut(to: length)
        throw AuditError("\(path.shown) cannot be written: \(SystemError.text(number))")
    }

    /// Ends the file there.
    func cut(to length: Int) throws(AuditError) {
        guard ftruncate(descriptor, off_t(length)) == 0, fdatasync(descriptor) == 0 else {
            throw AuditError("\(path.shown) cannot be written: \(SystemError.text(errno))")
        }
        (self.length, hasRest) = (length, false)
    }

    /// The last `most` bytes at most, from `offset` on.
    func tail(_ most: Int) throws(AuditError) -> (bytes: [UInt8], offset: Int) {
        let offset = max(0, length - most)
        return (try AuditFile.read(descriptor, path, offset, length - offset), offset)
    }

    static func read(_ descriptor: Int32, _ path: String, _ offset: Int, _ count: Int) throws(AuditError) -> [UInt8] {
        var number: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            while used < count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress?.advanced(by: used), count - used, off_t(offset + used))
                if got < 0, errno == EINTR { continue }
                if got < 0 { number = errno }
                guard got > 0 else { break }
                used += got
            }
        }
        guard number == 0 else { throw AuditError("\(path.shown) cannot be read: \(SystemError.text(number))") }
        return bytes
    }

    /// Whether its name leads to another file now, or to none.
    var isReplaced: Bool {
        var (own, named) = (stat(), stat())
        guard unsafe fstat(descriptor, &own) == 0 else { return true }
        guard unsafe lstat(path, &named) == 0 else { return true }
        return own.st_dev != named.st_dev || own.st_ino != named.st_ino
    }

    static func remove(_ path: String) {
        _ = unsafe unlink(path)
    }

    /// Makes sure that the names in a directory are on the disk.
    static func syncDirectory(_ path: String) throws(AuditError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AuditError("\(path.shown) cannot be read: \(SystemError.text(errno))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw AuditError("\(path.shown) cannot be written: \(SystemError.text(errno))")
        }
    }
}

/// Makes sure that one process alone writes an audit, for as long as this object lives.
final class AuditLock {
    private let descriptor: Int32

    init(in directory: AuditDirectory) throws(AuditError) {
        let path = directory.path + "/audit.lock"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AuditError("\(path.shown) cannot be made: \(SystemError.text(errno))") }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard unsafe fcntl(descriptor, F_SETLK, &lock) == 0 else {
            throw AuditError("another gateway writes the audit in \(directory.path.shown)")
        }
    }

    deinit {
        close(descriptor)
    }
}
