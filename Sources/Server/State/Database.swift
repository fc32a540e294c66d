import CSQLite
import Glibc

/// One connection to an SQLite database in WAL mode. All of SQLite's pointers are here and in `Statement`.
@safe final class Database {
    /// How long it waits for a locked database, in milliseconds.
    static let patience: Int32 = 5000

    let path: String
    let handle: OpaquePointer

    /// Opens a file that has to exist, to read and write it. Throws `refused` where that is not possible; a damaged file is found at the
    /// first statement.
    init(_ path: String) throws(DatabaseError) {
        var opened: OpaquePointer?
        let code = unsafe sqlite3_open_v2(
            path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let handle = unsafe opened else {
            let error = unsafe DatabaseError(
                code: code, text: String(cString: sqlite3_errstr(code)),
                errno: opened == nil ? 0 : sqlite3_system_errno(opened),
                path: path)
            unsafe sqlite3_close_v2(opened)
            throw error
        }
        self.path = path
        unsafe self.handle = handle
        unsafe sqlite3_busy_timeout(handle, Self.patience)
        _ = unsafe csqlite_be_defensive(handle)
        try execute("PRAGMA foreign_keys = ON")
        try execute("PRAGMA cell_size_check = ON")
        try execute("PRAGMA temp_store = MEMORY")
        try execute("PRAGMA journal_mode = WAL")
        // A commit is on the disk when it returns.
        try execute("PRAGMA synchronous = FULL")
    }

    deinit {
        unsafe sqlite3_close_v2(handle)
    }

    /// Runs statements without values and without results that matter.
    func execute(_ sql: String) throws(DatabaseError) {
        try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil))
    }

    func prepare(_ sql: String) throws(DatabaseError) -> Statement {
        try Statement(sql, on: self)
    }

    /// The first column of the first row; nil where there is none.
    func integer(_ sql: String) throws(DatabaseError) -> Int64? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    /// Takes the write lock at once, commits the changes of `body`, or rolls them back where it throws.
    func transaction<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result {
        try execute("BEGIN IMMEDIATE")
        do throws(DatabaseError) {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // After some failures SQLite has rolled back by itself.
            if unsafe sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// Changes whenever another connection has committed.
    var dataVersion: Int64 {
        get throws(DatabaseError) { try integer("PRAGMA data_version") ?? 0 }
    }

    /// Rows that the last statement changed.
    var changes: Int { Int(unsafe sqlite3_changes(handle)) }

    func check(_ code: Int32) throws(DatabaseError) {
        guard code != SQLITE_OK, code != SQLITE_ROW, code != SQLITE_DONE else { return }
        throw error(code)
    }

    func error(_ code: Int32) -> DatabaseError {
        unsafe DatabaseError(
            code: code, text: String(cString: sqlite3_errmsg(handle)), errno: sqlite3_system_errno(handle), path: path)
    }

    /// What is wrong inside the file, one line each; empty where nothing is.
    func faults() throws(DatabaseError) -> [String] {
        let statement = try prepare("PRAGMA integrity_check(20)")
        var lines: [String] = []
        while try statement.step() { lines.append(statement.text(0)) }
        return lines == ["ok"] ? [] : lines
    }

    /// Copies everything into `target`, in steps between which other connections may write.
    func copy(to target: Database) throws(DatabaseError) {
        guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.error(unsafe sqlite3_errcode(target.handle))
        }
        var code = SQLITE_OK
        let pages: Int32 = 256
        var waits = 0
        repeat {
            code = unsafe sqlite3_backup_step(backup, pages)
            if code == SQLITE_BUSY || code == SQLITE_LOCKED {
                waits += 1
                sqlite3_sleep(50)
            }
        } while code == SQLITE_OK || ((code == SQLITE_BUSY || code == SQLITE_LOCKED) && waits < 100)
        let end = unsafe sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw target.error(end == SQLITE_OK ? code : end) }
    }
}
