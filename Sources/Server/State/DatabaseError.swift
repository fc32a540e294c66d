import CSQLite
import EventIO
import Glibc

/// Why the state could not be read or written, as a sentence for an operator.
struct DatabaseError: Error, Equatable, CustomStringConvertible {
    /// What can be done about it depends on this.
    enum Kind: Equatable {
        /// The file is not what hubgate wrote.
        case damaged
        /// A newer hubgate wrote it.
        case tooNew
        /// The system refuses: rights, a read-only file system.
        case refused
        /// `state_dir` names a directory that is for something else.
        case misplaced
        /// There is no database yet.
        case absent
        /// Its directory cannot be made, for a reason other than rights.
        case notMade
        case diskFull
        /// Another process holds the lock for too long.
        case busy
        /// A write breaks a rule of the schema, such as a name that is taken.
        case conflict
        case other
    }

    let kind: Kind
    /// Without a full stop.
    let description: String
}

extension DatabaseError {
    /// The meaning of SQLite's `code`, with its `text` and the system's error number, for the file at `path`.
    init(code: Int32, text: String, errno number: Int32, path: String) {
        let system = number == 0 ? text : SystemError.text(number)
        let name = path.shown
        switch code & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            kind = .damaged
            description = "\(name) is damaged (\(text)): restore it from a file of `hubgate state backup`"
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH:
            kind = .refused
            description =
                "\(name) cannot be opened to be written: \(system); "
                + "it and its directory have to belong to the user that hubgate runs as"
        case SQLITE_FULL:
            kind = .diskFull
            description = "\(name) cannot grow: \(SystemError.text(ENOSPC))"
        case SQLITE_IOERR where number == ENOSPC || number == EFBIG || number == EDQUOT:
            kind = .diskFull
            description = "\(name) cannot grow: \(system)"
        case SQLITE_IOERR:
            kind = .other
            description = "\(name) cannot be read or written: \(system)"
        case SQLITE_BUSY, SQLITE_LOCKED:
            kind = .busy
            description = "\(name) is locked by another process for more than \(Database.patience / 1000) s; try again"
        case SQLITE_CONSTRAINT:
            kind = .conflict
            description = "\(name) refuses a value: \(text)"
        default:
            kind = .other
            description = "\(name): \(text)"
        }
    }
}
