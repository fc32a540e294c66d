import CSQLite

/// A prepared statement: values are bound from 1, columns read from 0.
@safe final class Statement {
    private let database: Database
    private let handle: OpaquePointer

    init(_ sql: String, on database: Database) throws(DatabaseError) {
        var prepared: OpaquePointer?
        try database.check(unsafe sqlite3_prepare_v2(database.handle, sql, -1, &prepared, nil))
        guard let handle = unsafe prepared else {
            throw DatabaseError(kind: .other, description: "a statement is empty")
        }
        self.database = database
        unsafe self.handle = handle
    }

    deinit {
        unsafe sqlite3_finalize(handle)
    }

    /// Whether there is a row.
    func step() throws(DatabaseError) -> Bool {
        let code = unsafe sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else {
            let error = database.error(code)
            unsafe sqlite3_reset(handle)
            throw error
        }
        return false
    }

    /// Binds `values`, runs to the end, and is ready for the next values.
    func run(_ values: Value...) throws(DatabaseError) {
        try bind(values)
        while try step() {}
        reset()
    }

    /// Resets the statement and binds other values.
    func bind(_ values: [Value]) throws(DatabaseError) {
        reset()
        for (index, value) in values.enumerated() { try database.check(bind(value, at: Int32(index + 1))) }
    }

    func reset() {
        unsafe sqlite3_reset(handle)
    }

    enum Value {
        case null
        case integer(Int64)
        case text(String)
        case blob([UInt8])

        init(_ number: Int64?) { self = number.map { .integer($0) } ?? .null }
        init(_ text: String?) { self = text.map { .text($0) } ?? .null }
        init(_ bytes: [UInt8]?) { self = bytes.map { .blob($0) } ?? .null }
    }

    private func bind(_ value: Value, at index: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(handle, index)
        case .integer(let number): return unsafe sqlite3_bind_int64(handle, index, number)
        case .text(let text): return unsafe csqlite_bind_text(handle, index, text, Int32(text.utf8.count))
        case .blob(let bytes):
            guard !bytes.isEmpty else { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }
            return unsafe bytes.withUnsafeBytes {
                unsafe csqlite_bind_blob(handle, index, $0.baseAddress, Int32($0.count))
            }
        }
    }

    // MARK: columns of the present row

    func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// 0 for NULL.
    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    /// Empty for NULL.
    func text(_ column: Int32) -> String {
        guard let start = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    /// Empty for NULL.
    func blob(_ column: Int32) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}
