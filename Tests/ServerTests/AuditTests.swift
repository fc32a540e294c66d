@testable import EventIO
import Glibc
@testable import HTTP
@testable import Hub
import Logging
@testable import Server
import Testing

private func sample(_ kind: AuditRecord.Kind = .intent) -> AuditRecord {
    var record = AuditRecord(kind)
    record.set(.requestID, "hg-1")
    record.set(.key, "é \"quoted\" \\ \n\u{1b}[31m \u{202e}")
    record.set(.status, 200)
    record.set(.needs, list: ["create model:a/b", "publish model:a/b"])
    return record
}

struct AuditTests {
    @Test("A record that is sent is the record that comes, and what is cut anywhere is none or another, never a crash")
    func coding() {
        let bytes = sample().bytes
        #expect(AuditRecord(bytes) == sample())
        for count in bytes.indices { #expect(AuditRecord(Array(bytes[..<count])) != sample()) }
        for index in bytes.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var changed = bytes
                changed[index] = value
                _ = AuditRecord(changed)
            }
        }
    }

    @Test("A worker may not send what the state process alone knows")
    func kinds() {
        #expect(AuditRecord.Kind.allCases.filter(\.isOfWorkers) == [.intent, .outcome, .refusal, .login])
        #expect(Set(AuditField.allCases.map(\.name)).count == AuditField.allCases.count)
    }

    @Test("A line is one line of JSON with each name once, whatever is in it, and its head is read back")
    func line() throws {
        let origin = AuditLine.Origin(run: "0a1b2c3d", worker: 2, sender: -5, sequence: 7)
        let previous = [UInt8](repeating: 0xAB, count: 32)
        let line = AuditLine.bytes(sample(), 41, after: previous, microseconds: 1_000_000_000_000_007, from: origin)
        #expect(line.allSatisfy { $0 >= 0x20 })
        let json = try JSON.parse(line, within: JSONLimits(bytes: 1 << 16, depth: 3, values: 64))
        #expect(json["key"]?.stringValue == sample().text(.key))
        #expect(json["time"] == "2001-09-09T01:46:40.000007Z")
        let head = try #require(AuditLineHead(line[...]))
        #expect(head.number == 41 && head.previous == previous && head.kind == .intent && head.worker == 2)
        #expect(head.record == AuditLineHead.Record(sender: -5, sequence: 7) && head.requestID == Array("hg-1".utf8))
        for count in line.indices { #expect(AuditLineHead(line[..<count])?.number != 41 || count == line.count) }
    }

    @Test("What is too long is cut, in texts and in lists")
    func bounds() {
        var record = AuditRecord(.refusal)
        record.set(.target, String(repeating: "a", count: 100_000))
        record.set(.allow, list: Array(repeating: String(repeating: "é", count: 5000), count: 500))
        #expect(record.bytes.count < 20_000)
        let line = AuditLine.bytes(
            record, 1, after: [], microseconds: 0, from: .init(run: "r", worker: 1, sender: 1, sequence: 1))
        #expect(line.count < 24_000)
    }

    @Test(
        "The files of a commit are counted, wherever its bytes are cut",
        arguments: [
            (
                "{\"key\":\"header\",\"value\":{}}\n{\"key\":\"file\",\"value\":{\"content\":\"\(String(repeating: "A", count: 300))\"}}",
                1
            ),
            ("{ \"key\" : \"deletedFile\" }\n\n{\"key\":\"lfsFile\"}\r\n{\"key\":\"deletedFolder\"}\n", 3),
            ("{\"key\":\"header\"}\n", 0), ("{\"value\":1,\"key\":\"file\"}\n", nil), ("\u{1f}\u{8b}compressed", nil),
            ("", nil),
        ] as [(String, Int?)])
    @EventLoop
    func files(text: String, count: Int?) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            let body = AuditedBody(isCommit: true)
            for part in [bytes[..<cut], bytes[cut...]] {
                unsafe Array(part).withUnsafeBufferPointer { unsafe body.take($0) }
            }
            #expect(body.files == count && body.bytes == bytes.count)
        }
        let other = AuditedBody(isCommit: false)
        unsafe bytes.withUnsafeBufferPointer { unsafe other.take($0) }
        #expect(other.files == nil && other.bytes == bytes.count)
    }

    @Test("So many at once, so many a second, and the next one says how many were left out")
    func budget() {
        var budget = RecordBudget(perSecond: 10, atOnce: 5)
        let start = MonotonicInstant.now
        #expect((0..<5).allSatisfy { _ in budget.take(start) == 0 })
        #expect((0..<7).allSatisfy { _ in budget.take(start) == nil })
        #expect(budget.take(start.advanced(milliseconds: 100)) == 7)
        #expect(budget.take(start.advanced(milliseconds: 100)) == nil)
        #expect(budget.take(start.advanced(milliseconds: 100_000)) == 1)
    }

    @Test(
        "The name of a file is read back, and no other is one",
        arguments: ["audit-1-x.jsonl", "audit-000001.jsonl", "a", "audit--1-x.jsonl", "audit-0000001-x.jsonl"])
    func names(other: String) {
        let file = AuditDirectory.File(serial: 17, day: "2026-11-29")
        #expect(file.name == "audit-000017-2026-11-29.jsonl" && AuditDirectory.File(name: file.name) == file)
        #expect(AuditDirectory.File(name: AuditDirectory.File(serial: 12_345_678, day: "d").name)?.serial == 12_345_678)
        #expect(AuditDirectory.File(name: other) == nil)
    }

    @Test("What changes something, gives the means to or costs money is an act; looking is none")
    func acts() throws {
        func isAct(_ method: Method, _ path: String) throws -> Bool {
            HubOperation.find(method, try Target(path)).isAct()
        }
        for (method, path) in [
            ("GET", "/api/models/a/b/xet-write-token/main"), ("POST", "/a/b.git/git-receive-pack"),
            ("DELETE", "/api/not/known"),
            ("POST", "/api/models/a/b/commit/main"), ("DELETE", "/api/models/a/b/like"),
            ("POST", "/api/models/a/b?_method=DELETE"),
            ("GET", "/api/models/a/b?_method=DELETE"), ("POST", "/api/jobs/a"),
            // What is in a body that is not known may be a write.
            ("POST", "/api/models/a/b/lfs-files/duplicate"), ("POST", "/api/spaces/a/b/duplicate"),
        ] { #expect(try isAct(Method(rawValue: method), path), "\(method) \(path)") }
        for (method, path) in [
            ("GET", "/api/models/a/b"), ("POST", "/api/models/a/b/paths-info/main"),
            ("POST", "/a/b.git/git-upload-pack"),
            ("GET", "/api/not/known"), ("GET", "/api/notifications"), ("POST", "/api/validate-yaml"),
            ("HEAD", "/a/b/resolve/main/x"),
        ] { #expect(try !isAct(Method(rawValue: method), path), "\(method) \(path)") }
    }

    @Test("Whatever is sent with a body that can add to what it does is an act, or a model's, until its body is known")
    func actsOfBodies() throws {
        var seen = 0
        for row in HubOperationsTable.all where row.body != nil {
            for method in row.methods where !method.isSafe {
                let path = row.path.replacing("{T}", with: "models").replacing("{id}", with: "a/b")
                    .replacing("{rev}", with: "main").replacing("{path}", with: "p").replacing("{ns}", with: "n")
                    .replacing("{x}", with: "x").replacing("[", with: "").replacing("]", with: "")
                    .replacing("//", with: "/")
                let operation = HubOperation.find(method, try Target(path), at: row.origin)
                #expect(operation.isAct(), "\(method) \(path)")
                seen += 1
            }
        }
        #expect(seen > 20)
    }
}

struct AuditJournalTests {
    @Test("What is sent again stands there once: in one batch, later, and to a state process that has started anew")
    func duplicates() throws {
        let place = AuditPlace()
        do {
            let journal = place.journal()
            journal.begin(known: nil)
            #expect(
                journal.write([auditEntry(.intent, "a", sequence: 1), auditEntry(.intent, "a", sequence: 1)]) == [
                    nil, nil,
                ])
            #expect(
                journal.write([auditEntry(.intent, "a", sequence: 1), auditEntry(.outcome, "a", sequence: 2)]) == [
                    nil, nil,
                ])
        }
        let journal = place.journal()
        journal.begin(known: nil)
        #expect(
            journal.write([
                auditEntry(.outcome, "a", sequence: 2), auditEntry(.intent, "b", sequence: 3),
                auditEntry(.intent, "c", sequence: 1, sender: 6),
            ]) == [nil, nil, nil])
        #expect(try place.kinds() == ["begin", "start", "intent", "outcome", "intent", "intent"])
        #expect(try place.check().isEmpty)
    }

    @Test(
        "Unknown is what a worker had under way that has a successor, and what an earlier start left; not what lives on"
    )
    func unknown() throws {
        let place = AuditPlace()
        do {
            let journal = place.journal()
            journal.begin(known: nil)
            _ = journal.write([
                auditEntry(.intent, "a", sequence: 1), auditEntry(.intent, "b", sequence: 2),
                auditEntry(.outcome, "b", sequence: 3),
                auditEntry(.intent, "c", sequence: 1, sender: 6, worker: 2),
            ])
        }
        let journal = place.journal()
        journal.begin(known: nil)
        journal.began(worker: 1, sender: 5)
        journal.began(worker: 2, sender: 7)
        #expect(try place.kinds().suffix(2) == ["intent", "unknown"] && journal.open.all().map(\.number) == [3])
        let next = place.journal(run: "bbbbbbbb")
        // The first one holds the lock in this process too, which the system does not count twice.
        next.begin(known: nil)
        #expect(try place.kinds().suffix(2) == ["start", "unknown"] && next.open.all().isEmpty)
        next.stop()
        #expect(try place.kinds().last == "stop" && place.check().isEmpty)
    }

    @Test("An outcome ends the intent of its own worker, whatever another says")
    func forged() throws {
        let place = AuditPlace()
        let journal = place.journal()
        journal.begin(known: nil)
        _ = journal.write([
            auditEntry(.intent, "a", sequence: 1), auditEntry(.outcome, "a", sequence: 1, sender: 9, worker: 2),
        ])
        #expect(journal.open.all().map(\.worker) == [1])
    }

    @Test("Files go on in others, each naming the one before; and a day that is over is another file")
    func rotation() throws {
        let place = AuditPlace()
        let journal = place.journal(rotate: 2000)
        journal.begin(known: nil)
        for number in 1...30 as ClosedRange<Int64> {
            _ = journal.write([auditEntry(.refusal, "r\(number)", sequence: number)])
        }
        let files = try place.directory.files()
        #expect(files.count > 3 && files.map(\.serial) == Array(1...files.count))
        #expect(try place.check(journal.head).isEmpty)
        #expect(journal.head.file == files.last?.name)
    }

    @Test("A file that audit_keep lets go is named before, and no fault; one that somebody takes is one")
    func keeping() throws {
        let place = AuditPlace()
        do {
            let journal = place.journal(rotate: 2000)
            journal.begin(known: nil)
            for number in 1...12 as ClosedRange<Int64> {
                _ = journal.write([auditEntry(.refusal, "r", sequence: number)])
            }
        }
        // As if the first were of long ago.
        let first = try #require(try place.directory.files().first)
        let old = AuditDirectory.File(serial: 1, day: "2001-01-01")
        #expect(unsafe rename(place.directory.path(of: first), place.directory.path(of: old)) == 0)
        let journal = place.journal(rotate: 2000, keep: 30)
        journal.begin(known: nil)
        for number in 20...30 as ClosedRange<Int64> { _ = journal.write([auditEntry(.refusal, "r", sequence: number)]) }
        #expect(try place.kinds().contains("removed") && place.directory.files().first?.serial == 2)
        // It is named as it was called when it went: by another name than the next file says.
        #expect(try place.check(journal.head).count == 1)
    }

    @Test("Behind a cut line it goes on; behind a line that is known to have been there no cut is taken for a crash's")
    func tails() throws {
        let place = AuditPlace()
        var head = AuditTables.Head()
        do {
            let journal = place.journal()
            journal.begin(known: nil)
            _ = journal.write([auditEntry(.refusal, "a", sequence: 1), auditEntry(.refusal, "b", sequence: 2)])
            head = journal.head
        }
        let path = place.directory.path(of: try #require(try place.directory.files().first))
        let whole = try #require(try? AuditFile.open(path).length)
        #expect(unsafe truncate(path, off_t(whole - 10)) == 0)
        do {
            let journal = place.journal()
            journal.begin(known: AuditTables.Head(number: head.number - 1, hash: [UInt8](repeating: 1, count: 32)))
            _ = journal.write([auditEntry(.refusal, "c", sequence: 3)])
            // The line that it knows is another: nothing is cut off, and another file goes on.
            #expect(try place.directory.files().count == 2 && !place.kinds().contains("torn"))
        }
        let faults = try place.check()
        #expect(!faults.isEmpty && faults.contains { $0.contains("in the middle of a line") }, "\(faults)")
    }
}
