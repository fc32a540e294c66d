import Glibc
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct TrashTests {
    private final class Place {
        private let temporary = TemporaryDirectory()
        var path: String { temporary.path }

        func table() throws -> TrashTable { TrashTable(database: try StateDirectory(path).open()) }
    }

    private func record(
        _ name: String = "acme/x", kind: RepoKind = .model, deleted: Int64 = 1000, expires: Int64 = 2000
    ) throws -> TrashRecord {
        TrashRecord(
            kind: kind, id: try RepoID(name), trashName: TrashName.make(), serial: "65a", wasPrivate: false,
            credential: "team", deletedBy: "boss", requestID: "hg-1", deleted: deleted, expires: expires)
    }

    /// Of one that is in the trash.
    private func kept(_ table: TrashTable, _ record: TrashRecord, now: Int64 = 1000) throws {
        #expect(try table.carryOut(.begin(record), by: 1, now: now, live: [1]) == .done)
        try settle(table, record, .kept, now: now)
    }

    private func settle(_ table: TrashTable, _ record: TrashRecord, _ outcome: TrashOutcome, now: Int64) throws {
        let request = TrashRequest.settle(trashName: record.trashName, outcome, by: "somebody")
        #expect(try table.carryOut(request, by: 1, now: now, live: [1]) == .done)
    }

    @Test("Requests and answers are read as they were written, and nothing else is")
    func messages() throws {
        var full = try record()
        (full.status, full.order, full.restoreAs, full.orderedBy) = (.kept, .restore, try RepoID("acme/y"), "root")
        (full.attempts, full.nextAttempt, full.trouble) = (3, 99, "it is too early")
        let outcomes: [TrashOutcome] = [
            .kept, .notMoved, .undone, .later, .unclear, .restored(note: nil), .restored(note: "a"), .purged,
            .lost("b"), .failed("c"),
            .refused("d"),
        ]
        let requests =
            [TrashRequest.begin(try record()), .work]
            + outcomes.map { TrashRequest.settle(trashName: full.trashName, $0, by: "x") }
        for request in requests {
            let payload = request.record.payload
            #expect(TrashRequest(payload) == request)
            #expect(TrashRequest(payload + [0]) == nil)
            for length in 0..<payload.count { #expect(TrashRequest(Array(payload.prefix(length))) == nil) }
        }
        for answer in [TrashAnswer.done, .underWay, .full, .work([]), .work([full, try record("b/c", kind: .space)])] {
            #expect(TrashAnswer(answer.bytes) == answer)
        }
        #expect(TrashAnswer([]) == nil && TrashAnswer([9]) == nil && TrashAnswer([3, 1]) == nil)
        #expect(TrashRequest.isQuestion(TrashRequest.work.record))
        #expect(!TrashRequest.isQuestion(requests[0].record) && !TrashRequest.isQuestion(requests[2].record))
        // Who would begin with one that is in the trash already, or with a name that is not of the trash.
        #expect(TrashRequest(TrashRequest.begin(full).record.payload) == nil)
    }

    @Test("An answer with all that it may hold fits into a message")
    func size() throws {
        let long = String(repeating: "n", count: RepoID.longest)
        var largest = TrashRecord(
            kind: .dataset, id: try RepoID(namespace: long, name: long), trashName: TrashName.make(),
            serial: String(repeating: "s", count: 64), wasPrivate: true, credential: long,
            deletedBy: long, requestID: long, deleted: .max, expires: .max)
        largest.trouble = String(repeating: "t", count: TrashRecord.longestTrouble)
        largest.restoreAs = largest.id
        largest.orderedBy = String(repeating: "o", count: 200)
        let answer = TrashAnswer.work(Array(repeating: largest, count: TrashAnswer.mostWork))
        #expect(answer.bytes.count < StateRecord.longest && TrashAnswer(answer.bytes) == answer)
    }

    @Test("What is said of a failure is cut where it is too long")
    func longTrouble() throws {
        let request = TrashRequest.settle(
            trashName: "hubgate-trash-x", .failed(String(repeating: "é", count: 1000)), by: "x")
        guard case .settle(_, .failed(let text), _)? = TrashRequest(request.record.payload) else {
            Issue.record("it is not read")
            return
        }
        #expect(text.utf8.count <= TrashRecord.longestTrouble + 2)
    }

    @Test("One request moves a repository at a time; the same one asked again is granted its own")
    func begin() throws {
        let place = Place()
        let table = try place.table()
        let first = try record()
        #expect(try table.carryOut(.begin(first), by: 1, now: 1000, live: [1]) == .done)
        #expect(try table.carryOut(.begin(first), by: 1, now: 1000, live: [1]) == .done)
        #expect(try table.count() == 1)
        #expect(try table.carryOut(.begin(try record("ACME/X")), by: 2, now: 1000, live: [1, 2]) == .underWay)
        #expect(try table.carryOut(.begin(try record(kind: .dataset)), by: 2, now: 1000, live: [1, 2]) == .done)
        try settle(table, first, .unclear, now: 1001)
        #expect(try table.carryOut(.begin(try record()), by: 2, now: 1001, live: [1, 2]) == .underWay)
        try settle(table, first, .kept, now: 1002)
        // It was created again, and is deleted again.
        #expect(try table.carryOut(.begin(try record()), by: 2, now: 1003, live: [1, 2]) == .done)
        #expect(try table.find(try RepoID("Acme/x"), .model).count == 2)
    }

    @Test("There is room for so many")
    func full() throws {
        let place = Place()
        var table = try place.table()
        table.most = 1
        try kept(table, try record())
        #expect(try table.carryOut(.begin(try record("a/b")), by: 1, now: 1000, live: [1]) == .full)
    }

    @Test("What is over is to be purged, orders come first, and a failure waits longer each time")
    func work() throws {
        let place = Place()
        let table = try place.table()
        let (early, late) = (try record("a/early", expires: 1500), try record("a/late", expires: 9000))
        for one in [early, late] { try kept(table, one) }
        #expect(try table.work(now: 1499, live: [1]).isEmpty)
        #expect(try table.work(now: 1500, live: [1]).map(\.id.text) == ["a/early"])
        #expect(try table.order(.restore, late.trashName, as: try RepoID("a/again"), by: "root"))
        let work = try table.work(now: 1500, live: [1])
        #expect(work.map(\.id.text) == ["a/late", "a/early"])
        #expect(work[0].order == .restore && work[0].target.text == "a/again" && work[0].orderedBy == "root")
        var now: Int64 = 1500
        for pause in [2, 4, 8, 16] as [Int64] {
            try settle(table, early, .failed("no"), now: now)
            #expect(try table.work(now: now + pause - 1, live: [1]).map(\.id.text) == ["a/late"])
            now += pause
            #expect(try table.work(now: now, live: [1]).map(\.id.text) == ["a/late", "a/early"])
        }
        #expect(try #require(try table.find(early.trashName)).trouble == "no")
        #expect(TrashRecord.pause(after: 1) == 2 && TrashRecord.pause(after: .max) == 3600)
        // A new order does not wait for that.
        try settle(table, early, .failed("no"), now: now)
        #expect(try table.order(.purge, early.trashName, by: "root"))
        #expect(try table.work(now: now, live: [1]).count == 2)
    }

    @Test("An order that the Hub refuses is over, and leaves time for another")
    func refused() throws {
        let place = Place()
        let table = try place.table()
        let one = try record(expires: 1500)
        try kept(table, one)
        #expect(try table.order(.restore, one.trashName, by: "root"))
        try settle(table, one, .refused("the name is taken"), now: 1600)
        let found = try #require(try table.find(one.trashName))
        #expect(
            found.order == nil && found.trouble == "the name is taken"
                && found.expires == 1600 + TrashTable.secondChance)
        #expect(try table.work(now: 1700, live: [1]).isEmpty)
    }

    @Test("A worker that is gone while it moved one leaves it unclear, and one that takes far too long does")
    func crash() throws {
        let place = Place()
        let table = try place.table()
        let one = try record()
        #expect(try table.carryOut(.begin(one), by: 7, now: 1000, live: [7]) == .done)
        #expect(try table.work(now: 1001, live: [7]).isEmpty && table.work(now: 1001, live: nil).isEmpty)
        #expect(try table.work(now: 1001, live: [8]).map(\.status) == [.unclear])
        let two = try record("a/two")
        #expect(try table.carryOut(.begin(two), by: 8, now: 1000, live: [8]) == .done)
        try settle(table, one, .notMoved, now: 1001)
        #expect(try table.find(one.trashName) == nil)
        #expect(try table.work(now: 1000 + TrashTable.longestMove, live: [8]).map(\.trashName) == [two.trashName])
    }

    @Test("That one was not moved is said after some looks, and looked at once more later")
    func undone() throws {
        let place = Place()
        let table = try place.table()
        let one = try record()
        #expect(try table.carryOut(.begin(one), by: 7, now: 1000, live: [7]) == .done)
        try settle(table, one, .unclear, now: 1000)
        try settle(table, one, .later, now: 1000)
        #expect(try table.work(now: 1001, live: [7]).isEmpty && table.work(now: 1002, live: [7])[0].attempts == 1)
        try settle(table, one, .undone, now: 1010)
        // No client sees it, and the repository can be deleted again.
        #expect(try table.page(skip: 0, limit: 9).isEmpty && table.listedCount() == 0 && table.count() == 1)
        #expect(try table.carryOut(.begin(try record(deleted: 9000)), by: 7, now: 1011, live: [7]) == .done)
        #expect(try table.work(now: 1009 + TrashTable.lastLook, live: [7]).isEmpty)
        #expect(try table.work(now: 1010 + TrashTable.lastLook, live: [7]).map(\.trashName) == [one.trashName])
        try settle(table, one, .kept, now: 1010 + TrashTable.lastLook)
        #expect(try table.find(one.trashName)?.status == .kept)
    }

    @Test("What became of one is known for a day, and noted for the audit; nothing more happens to it")
    func ends() throws {
        let place = Place()
        let table = try place.table()
        let audit = AuditTables(database: table.database)
        for (outcome, status, event) in [
            (TrashOutcome.purged, TrashRecord.Status.purged, "purge"),
            (.restored(note: "it stays private"), .restored, "restore"), (.lost("moved"), .lost, "lost"),
        ] {
            let one = try record()
            try kept(table, one)
            try settle(table, one, outcome, now: 1100)
            #expect(try table.find(one.trashName)?.status == status && table.count() == 0)
            #expect(try !table.order(.purge, one.trashName, by: "root"))
            for late in [TrashOutcome.kept, .failed("x"), .purged, .notMoved] {
                try settle(table, one, late, now: 1101)
            }
            #expect(try table.find(one.trashName)?.status == status)
            let events = try audit.events(limit: 10)
            #expect(events.count == 1 && events[0].record.kind == .trash && events[0].record.text(.event) == event)
            #expect(events[0].record.text(.newName) == "model:acme/x" && events[0].record.text(.by) == "somebody")
            try audit.removeEvents(upTo: .max)
        }
        let last = try record("a/last")
        try kept(table, last)
        try settle(table, last, .purged, now: 1100 + TrashTable.memory)
        #expect(try table.find(try RepoID("acme/x"), nil).isEmpty && table.find(last.trashName) != nil)
        #expect(try table.database.integer("SELECT count(*) FROM trash") == 1)
    }

    @Test("Pages of the trash have all of it, the newest first")
    func pages() throws {
        let place = Place()
        let table = try place.table()
        for number in 0..<25 { try kept(table, try record("a/n\(number)", deleted: Int64(number))) }
        let pages = try stride(from: 0, to: 30, by: 10).flatMap { try table.page(skip: Int64($0), limit: 10) }
        #expect(pages.map(\.id.text) == (0..<25).reversed().map { "a/n\($0)" })
    }

    @Test("A list leaves out what is in the trash, for who may read everything too")
    func lists() throws {
        let text =
            #"[{"id":"acme/x","private":true},{"id":"acme/hubgate-trash-1","private":true},{"id":"acme/HUBGATE-TRASH-2","private":false},{"id":"acme\/hubgate\u002dtrash-3"},{"id":"hubgate-trash-4/m"},5]"#
        func filtered(_ scope: Scope?, hidesTrash: Bool) throws -> String {
            var filter = PrivateEntryFilter(.model, scope, hidesTrash: hidesTrash)
            let output = try filter.rewrite(Array(text.utf8).span)
            try filter.finish()
            return String(decoding: output, as: UTF8.self)
        }
        #expect(
            try filtered(nil, hidesTrash: true) == #"[{"id":"acme/x","private":true},{"id":"hubgate-trash-4/m"},5]"#)
        #expect(try filtered(nil, hidesTrash: false) == text)
        let scope = Scope([try Rule("read acme/*")])
        #expect(try filtered(scope, hidesTrash: true) == #"[{"id":"acme/x","private":true}]"#)
    }

    @Test("delete_grace is a time in days and smaller units, and takes access = keys")
    func setting() throws {
        func settings(_ value: String, _ access: String = "keys") -> SettingsCase {
            SettingsCase(arguments: ["--delete-grace", value, "--access", access])
        }
        for (value, seconds) in [("7d", 604_800), ("2s", 2), ("36h", 129_600), ("off", 0), ("0", 0)] {
            #expect(try settings(value).settings().deleteGrace == .seconds(seconds))
        }
        #expect(Settings().deleteGrace == .zero)
        for value in ["7", "d", "-1d", "1.5d", "7 d", "4000d", "10ms", "99999999999999999999d"] {
            #expect(settings(value).problems.count == 1, "\(value)")
        }
        for access in ["open", "passthrough"] {
            let problems = settings("7d", access).problems
            #expect(problems.count == 1 && problems[0].contains("takes access = keys"))
            #expect(try settings("off", access).settings().deleteGrace == .zero)
        }
    }
}
