import EventIO
import Glibc
@testable import Server
import Testing

/// A directory of its own, which goes with the test.
private final class Workspace {
    private let temporary = TemporaryDirectory()
    var path: String { temporary.path }
    var directory: StateDirectory { StateDirectory(path) }

    func write(_ bytes: [UInt8]) {
        let descriptor = unsafe open(directory.databasePath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }
}

private func fault(_ body: () throws(DatabaseError) -> Void) -> DatabaseError? {
    do throws(DatabaseError) {
        try body()
        return nil
    } catch {
        return error
    }
}

private func record(_ name: String, id: Int64 = 1) -> KeyRecord {
    KeyRecord(
        name: name, publicID: id, secretHash: [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: 32),
        grant: KeyGrant(
            role: "reader", allow: ["read acme/*", "write acme/x"], deny: ["delete *"], credential: "acme", rate: "6/m",
            policy: "shadow", limits: "concurrent=3"),
        note: "é \"quoted\" ' ; --", created: 5, expires: 9)
}

struct StateTests {
    @Test("The database is made with mode 0600, and opened again as it is")
    func modes() throws {
        let place = Workspace()
        do { try KeyTable(database: try place.directory.open()).insert(record("a")) }
        var status = stat()
        #expect(unsafe stat(place.directory.databasePath, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let table = KeyTable(database: try place.directory.open())
        var found = try #require(try table.find("a"))
        #expect(found.number == 1 && found.change == 1)
        (found.number, found.change) = (0, 0)
        #expect(found == record("a"))
    }

    @Test("Each change has a number of its own, by which it is found")
    func changes() throws {
        let place = Workspace()
        let table = KeyTable(database: try place.directory.open())
        for id in 1...5 as ClosedRange<Int64> { try table.insert(record("k\(id)", id: id)) }
        var second = try #require(try table.find("k2"))
        second.revoked = 77
        try table.update(second)
        #expect(try table.lastChange() == 6)
        #expect(try table.changed(after: 3, limit: 10).map(\.name) == ["k4", "k5", "k2"])
        #expect(try table.changed(after: 0, limit: 2).map(\.name) == ["k1", "k3"])
        #expect(try table.liveCount() == 4)
        #expect(try table.all(includingRevoked: true).map(\.name) == ["k1", "k3", "k4", "k5", "k2"])
    }

    @Test("A name is one live key's, and free when that is revoked")
    func names() throws {
        let place = Workspace()
        let table = KeyTable(database: try place.directory.open())
        try table.insert(record("a", id: 1))
        #expect(fault { () throws(DatabaseError) in try table.insert(record("a", id: 2)) }?.kind == .conflict)
        var first = try #require(try table.find("a"))
        first.revoked = 1
        try table.update(first)
        try table.insert(record("a", id: 2))
        #expect(try table.find("a")?.publicID == 2)
    }

    @Test("A transaction that throws leaves nothing")
    func rollback() throws {
        let place = Workspace()
        let database = try place.directory.open()
        let table = KeyTable(database: database)
        #expect(
            fault { () throws(DatabaseError) in
                try database.transaction { () throws(DatabaseError) in
                    try table.insert(record("a"))
                    try table.insert(record("a"))
                }
            } != nil)
        #expect(try table.all(includingRevoked: true).isEmpty && table.lastChange() == 0)
    }

    @Test("Steps that are new are carried out once, from every version on; a newer schema is not touched")
    func migrations() throws {
        let place = Workspace()
        let steps = StateSchema.migrations + ["CREATE TABLE later (x INTEGER) STRICT", "INSERT INTO later VALUES (1)"]
        let database = try place.directory.open()
        try StateSchema.migrate(database, steps: steps)
        try StateSchema.migrate(database, steps: steps)
        #expect(try database.integer("SELECT count(*) FROM later") == 1)
        let refused = fault { () throws(DatabaseError) in _ = try place.directory.open() }
        #expect(refused?.kind == .tooNew && refused?.description.contains("newer hubgate") == true)
    }

    @Test("A step that fails leaves the version before")
    func brokenMigration() throws {
        let place = Workspace()
        let database = try place.directory.open()
        #expect(
            fault { () throws(DatabaseError) in
                try StateSchema.migrate(database, steps: StateSchema.migrations + ["CREATE TABLE a (x)", "nonsense"])
            } != nil)
        #expect(try database.integer("PRAGMA user_version") == StateSchema.newest)
        #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'a'") == 0)
    }

    @Test("What is no database, and another program's, is a sentence and not a crash")
    func foreign() throws {
        let place = Workspace()
        place.write(
            Array("this is no database, and long enough to look like one".utf8) + [UInt8](repeating: 65, count: 8192))
        #expect(fault { () throws(DatabaseError) in _ = try place.directory.open() }?.kind == .damaged)
        place.write([])
        do { try Database(place.directory.databasePath).execute("CREATE TABLE others (x)") }
        #expect(
            fault { () throws(DatabaseError) in _ = try place.directory.open() }?.description.contains(
                "no database of hubgate's") == true)
    }

    @Test("A page that was overwritten is found by the check")
    func damaged() throws {
        let place = Workspace()
        do {
            let table = KeyTable(database: try place.directory.open())
            for id in 1...200 as ClosedRange<Int64> { try table.insert(record("k\(id)", id: id)) }
        }
        let descriptor = unsafe open(place.directory.databasePath, O_WRONLY)
        let garbage = [UInt8](repeating: 0xEE, count: 4096)
        _ = unsafe garbage.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 3 * 4096) }
        close(descriptor)
        let database = try place.directory.open()
        var faults: [String] = []
        let error = fault { () throws(DatabaseError) in faults = try database.faults() }
        #expect(!faults.isEmpty || error?.kind == .damaged)
    }

    @Test("A directory that is absent, no directory, or open to others is refused")
    func directories() throws {
        #expect(StateDirectory("/nonexistent/x").fault?.contains("there is no directory") == true)
        #expect(StateDirectory("/etc/hostname").fault?.contains("no directory") == true)
        let place = Workspace()
        #expect(place.directory.fault == nil)
        _ = unsafe chmod(place.path, 0o777)
        #expect(place.directory.fault?.contains("chmod 700") == true)
        #expect(fault { () throws(DatabaseError) in _ = try place.directory.open() }?.kind == .misplaced)
    }

    @Test("A record is carried out once, however often it is sent, by a later writer too")
    func onlyOnce() throws {
        let place = Workspace()
        try KeyTable(database: try place.directory.open()).insert(record("a"))
        let use = KeyUses([(1, KeyUse(lastUsed: 10, uses: 3)), (99, KeyUse(lastUsed: 1, uses: 1))]).record
        let entry = StateWriter.Entry(sender: 5, sequence: 1, record: use)
        do {
            let writer = try StateWriter(place.directory)
            try writer.carryOut([entry, entry], now: 100)
            try writer.carryOut([entry], now: 100)
        }
        let writer = try StateWriter(place.directory)
        try writer.carryOut(
            [entry, .init(sender: 5, sequence: 2, record: use), .init(sender: 6, sequence: 1, record: use)], now: 100)
        let uses = try KeyTable(database: try place.directory.open()).uses()
        #expect(uses == [1: KeyUse(lastUsed: 10, uses: 9)])
    }

    @Test("Of too many senders the silent ones are forgotten, and none that is present")
    func senders() throws {
        let place = Workspace()
        try KeyTable(database: try place.directory.open()).insert(record("a"))
        let use = KeyUses([(1, KeyUse(lastUsed: 10, uses: 1))]).record
        let honest = StateWriter.Entry(sender: 1, sequence: 1, record: use)
        let count = { () throws in
            try place.directory.open().integer("SELECT count(*) FROM senders") ?? 0
        }
        let writer = try StateWriter(place.directory)
        try writer.carryOut([honest], now: 100)
        for begin in stride(from: Int64(2), to: 5000, by: 500) {
            let entries = (begin..<begin + 500).map {
                StateWriter.Entry(sender: $0, sequence: .max, record: KeyUses([]).record)
            }
            try writer.carryOut(entries, now: 100 + begin, present: [1])
            #expect(try count() <= Int64(StateWriter.mostSenders))
        }
        // What was carried out before all of them is not carried out again, by a later writer neither.
        try writer.carryOut([honest], now: 9000, present: [1])
        try StateWriter(place.directory).carryOut([honest], now: 9000, present: [1])
        #expect(try KeyTable(database: try place.directory.open()).uses()[1]?.uses == 1)
    }

    @Test("The number of uses has an end, and what is told after it is still written")
    func manyUses() throws {
        let place = Workspace()
        let database = try place.directory.open()
        try KeyTable(database: database).insert(record("a"))
        try KeyTable(database: database).add(KeyUse(lastUsed: 1, uses: 1), to: 1)
        try database.execute("UPDATE key_use SET uses = \(Int64.max)")
        let use = KeyUses([(1, KeyUse(lastUsed: 7, uses: 1 << 40))]).record
        try StateWriter(place.directory).carryOut([StateWriter.Entry(sender: 5, sequence: 1, record: use)], now: 100)
        #expect(try KeyTable(database: database).uses() == [1: KeyUse(lastUsed: 7, uses: 1 << 62)])
    }

    @Test("What others write is seen, what it writes itself is not; a file in its place is seen too")
    func others() throws {
        let place = Workspace()
        let writer = try StateWriter(place.directory)
        _ = try writer.othersHaveWritten()
        try writer.carryOut([.init(sender: 1, sequence: 1, record: KeyUses([]).record)], now: 1)
        #expect(try !writer.othersHaveWritten())
        do { try KeyTable(database: try place.directory.open()).insert(record("a")) }
        #expect(try writer.othersHaveWritten())
        #expect(try !writer.othersHaveWritten() && !writer.isReplaced(in: place.directory))
        unsafe unlink(place.directory.databasePath)
        #expect(writer.isReplaced(in: place.directory))
    }

    @Test("A backup is a whole database, and has what was committed")
    func backup() throws {
        let place = Workspace()
        let database = try place.directory.open()
        try KeyTable(database: database).insert(record("a"))
        place.copy()
        let target = try Database(place.path + "/copy.db")
        try database.copy(to: target)
        #expect(try target.faults().isEmpty && KeyTable(database: target).find("a") != nil)
    }
}

extension Workspace {
    /// Makes the empty file that a backup is written into.
    fileprivate func copy() { close(unsafe open(path + "/copy.db", O_RDWR | O_CREAT | O_EXCL, 0o600)) }
}

struct StateMessageTests {
    private static let messages: [StateMessage] = [
        .answer(sender: 7, sequence: 9, Array("an answer".utf8)), .answer(sender: 1, sequence: 1, []),
        .hello(sender: 7), .stop, .started, .trouble("no disk"), .trouble(""),
        .append(sender: 1, sequence: 2, KeyUses([(3, KeyUse(lastUsed: 4, uses: 5))]).record),
        .done(sender: 1, sequence: .max), .refused(sender: 1, sequence: 2, reason: "é"),
        .keys(sender: 1, isFirst: true, isLast: false, []),
        .keys(sender: 1, isFirst: false, isLast: true, [whole, bare]),
    ]
    private static let bare = KeyRecord(
        number: 1, name: "", publicID: 2, secretHash: [], grant: KeyGrant(), created: 0, change: 3)
    private static let whole = KeyRecord(
        number: 1, name: "a", publicID: 2, secretHash: [1], previous: .init(secretHash: [2], until: 3),
        grant: KeyGrant(
            role: "r", allow: ["a", "b"], deny: ["c"], credential: "d", rate: "e", policy: "shadow", limits: "f"),
        created: 0, expires: 4,
        revoked: 5, change: 6)

    @Test("Each message is read as it was written", arguments: messages)
    func round(message: StateMessage) {
        #expect(StateMessage(message.bytes) == message)
    }

    @Test(
        "One that is cut at any byte, or changed, is refused or another message, and stops nothing", arguments: messages
    )
    func damaged(message: StateMessage) {
        let bytes = message.bytes
        for count in bytes.indices { _ = StateMessage(Array(bytes.prefix(count))) }
        for position in bytes.indices {
            for byte in [0, 1, 0x7f, 0xff] as [UInt8] {
                var changed = bytes
                changed[position] = byte
                _ = StateMessage(changed)
            }
        }
        #expect(StateMessage([]) == nil && StateMessage([200]) == nil)
    }

    @Test("The most uses and the longest key fit into one message")
    func sizes() {
        let uses = KeyUses((0..<Int64(KeyUses.most)).map { ($0, KeyUse(lastUsed: 1, uses: 1)) }).record
        #expect(StateMessage.append(sender: 1, sequence: 1, uses).bytes.count <= 64 * 1024)
        var key = Self.whole
        key.grant.allow = Array(repeating: String(repeating: "a", count: 256), count: 100)
        key.grant.deny = key.grant.allow
        #expect(StateMessage.keys(sender: 1, isFirst: false, isLast: false, [key]).bytes.count <= 64 * 1024)
    }

    @Test("A message that no packet holds is neither sent nor waited for, and stops nobody")
    func tooLong() throws {
        let (one, other) = try PacketSocket.pair()
        #expect(one.send([UInt8](repeating: 1, count: PacketSocket.longest + 1)) == .tooLong)
        #expect(one.send([UInt8](repeating: 2, count: PacketSocket.longest)) == .sent)
        #expect(other.receive()?.count == PacketSocket.longest)
        #expect(other.receive() == nil)
        var full = 0
        while one.send([UInt8](repeating: 3, count: PacketSocket.longest)) == .sent, full < 1000 { full += 1 }
        #expect(full < 1000)
    }

    @Test("Of a key that no packet holds, what is needed to refuse it does fit")
    func refusable() {
        var key = Self.whole
        key.grant.allow = Array(repeating: String(repeating: "a", count: 256), count: 300)
        key.name = String(repeating: "n", count: 70_000)
        #expect(!StateMessage.fits([key]))
        #expect(StateMessage.fits([key.asRevoked]) && StateMessage.fits([]))
        #expect(key.asRevoked.revoked != nil && key.asRevoked.publicID == key.publicID)
        #expect(key.asRevoked.change == key.change && key.asRevoked.number == key.number)
    }
}
