@testable import EventIO
@testable import Server

/// A state directory of its own, which goes with the test, and a writer on it.
final class StatePlace {
    private let temporary = TemporaryDirectory()
    let writer: StateWriter
    let table: KeyTable
    private var sequence: Int64 = 0

    init() throws {
        let directory = StateDirectory(temporary.path)
        table = KeyTable(database: try directory.open())
        writer = try StateWriter(directory)
    }

    /// The payload of what the writer answers to a worker's record; nil where it answers nothing.
    func answer(to record: StateRecord, now: Int64) throws -> [UInt8]? {
        sequence += 1
        return try writer.carryOut([.init(sender: 1, sequence: sequence, record: record)], now: now).first?.payload
    }

    /// Gives the new key's secret.
    func addKey(_ name: String, id: Int64, _ grant: KeyGrant, expires: Int64? = nil) throws -> [UInt8] {
        let secret = Array("secret of \(name)".utf8)
        try table.insert(
            KeyRecord(
                name: name, publicID: id, secretHash: MessageDigest.sha256(secret), grant: grant, created: 0,
                expires: expires))
        return secret
    }
}
