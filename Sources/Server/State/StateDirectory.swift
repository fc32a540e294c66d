import EventIO
import Glibc

/// The directory of the durable state: of mode 0700, with `hubgate.db` of mode 0600.
struct StateDirectory {
    let path: String

    init(_ path: String) {
        self.path = path
    }

    var databasePath: String { path + "/hubgate.db" }
    var hasDatabase: Bool { unsafe access(databasePath, F_OK) == 0 }

    /// What is wrong with the directory, as far as that can be seen without opening the database; else nil.
    var fault: String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            switch errno {
            case ENOENT:
                return "there is no directory \(path.shown); `hubgate init` makes it, or give another with state_dir"
            case EACCES: return "\(path.shown): \(SystemError.text(EACCES)); run it as the gateway's user"
            case let number: return "\(path.shown): \(SystemError.text(number)); give another with state_dir"
            }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "\(path.shown) is no directory" }
        if geteuid() != 0, status.st_uid != 0, status.st_uid != geteuid() {
            return
                "\(path.shown) belongs to the user with number \(status.st_uid), who could put another database there: it has to belong to the user that hubgate runs as"
        }
        if status.st_mode & 0o022 != 0 {
            return
                "others can change \(path.shown) (mode \(String(status.st_mode & 0o7777, radix: 8))): chmod 700 \(path.shown)"
        }
        return nil
    }

    /// Makes the directory, with mode 0700, if it does not exist.
    func make() throws(DatabaseError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        throw DatabaseError(
            kind: [EACCES, EPERM, EROFS].contains(errno) ? .refused : .notMade,
            description:
                "the directory \(path.shown) cannot be made: \(SystemError.text(errno)); give another with --state-dir")
    }

    /// The database, made if it does not exist, and brought to the newest schema.
    func open() throws(DatabaseError) -> Database {
        if let fault { throw DatabaseError(kind: .misplaced, description: fault) }
        try makeDatabase()
        let database = try Database(databasePath)
        try StateSchema.migrate(database)
        return database
    }

    /// The same for a database that exists. Throws `absent` where there is none.
    func openExisting() throws(DatabaseError) -> Database {
        if let fault { throw DatabaseError(kind: .misplaced, description: fault) }
        guard hasDatabase else {
            throw DatabaseError(
                kind: .absent, description: "there is no \(databasePath.shown): `hubgate keys create` makes it")
        }
        return try open()
    }

    /// Made here, since SQLite would give it the mode that the umask leaves.
    private func makeDatabase() throws(DatabaseError) {
        let descriptor = makeFile(databasePath)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw DatabaseError(
                kind: errno == ENOSPC || errno == EDQUOT ? .diskFull : .refused,
                description: "\(databasePath.shown) cannot be opened or made: \(SystemError.text(errno)); "
                    + "the directory has to belong to the user that hubgate runs as")
        }
        close(descriptor)
    }

    /// Makes a file of mode 0600 in the directory, and opens it; negative, with `errno`, where that is not possible or the name is
    /// taken. Root gives it to the directory's owner: the gateway may run as that user.
    func makeFile(_ file: String) -> Int32 {
        let descriptor = unsafe Glibc.open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return descriptor }
        _ = fchmod(descriptor, 0o600)
        var status = stat()
        if geteuid() == 0, unsafe stat(self.path, &status) == 0, status.st_uid != 0 {
            _ = fchown(descriptor, status.st_uid, status.st_gid)
        }
        return descriptor
    }
}
