@testable import EventIO
@testable import Server
import Testing

struct AuditRecoveryTests {
    @Test(
        "A crash at a rotation leaves a file without a line, or with a part of its first: the next start goes on in it, and all is whole"
    )
    func crashAtRotation() throws {
        for rest in ["", "{", #"{"n":7,"prev":"00"}"#] {
            let place = AuditPlace()
            var head = AuditTables.Head()
            do {
                let journal = place.journal()
                journal.begin(known: nil)
                _ = journal.write([auditEntry(.refusal, "a", sequence: 1)])
                head = journal.head
            }
            let first = try #require(try place.directory.files().first)
            let next = AuditDirectory.File(serial: first.serial + 1, day: first.day)
            try AuditFile.make(place.directory.path(of: next)).append(Array(rest.utf8))
            do {
                let journal = place.journal(run: "bbbbbbbb")
                journal.begin(known: head)
                _ = journal.write([auditEntry(.refusal, "b", sequence: 2)])
                #expect(journal.head.file == next.name)
            }
            let faults = try place.check()
            #expect(faults.isEmpty, "\(rest): \(faults)")
            let begins = try AuditLines(place.directory.path(of: next))
            let line = try #require(try begins.next())
            #expect(AuditRecord(.begin, line: line)?.text(.previousFile) == first.name)
        }
    }

    @Test("Behind a fault another file is begun, which names the last one, whatever is in that")
    func faultBeforeAnEmptyFile() throws {
        let place = AuditPlace()
        do {
            let journal = place.journal()
            journal.begin(known: nil)
            _ = journal.write([auditEntry(.refusal, "a", sequence: 1)])
        }
        let first = try #require(try place.directory.files().first)
        let next = AuditDirectory.File(serial: first.serial + 1, day: first.day)
        _ = try AuditFile.make(place.directory.path(of: next))
        let journal = place.journal(run: "bbbbbbbb")
        journal.begin(known: AuditTables.Head(number: 40, hash: [UInt8](repeating: 1, count: 32), file: first.name))
        #expect(try place.directory.files().count == 3)
        let faults = try place.check()
        #expect(faults.count == 1 && faults.first?.contains("lines are missing") == true, "\(faults)")
    }

    @Test("Intents without an outcome are bounded in number and in bytes, and an outcome gives their room back")
    func bounds() throws {
        var open = OpenIntents()
        let filler = String(repeating: "x", count: 1 << 20)
        func note(_ kind: String, _ id: Int, _ text: String) throws {
            let line = Array(
                (#"{"n":\#(id),"prev":"\#(String(repeating: "0", count: 64))","time":"t","kind":"\#(kind)","run":"r","worker":1,"#
                    + #""record":"1-\#(id)","request_id":"q\#(id)","agent":"\#(text)"}"#).utf8)
            open.note(try #require(AuditLineHead(line[...])), line)
        }
        for id in 1...63 { try note("intent", id, filler) }
        #expect(!open.isFull)
        // The same intent again, as it is sent again, takes no more.
        try note("intent", 63, filler)
        #expect(!open.isFull && open.bytes < 64 << 20)
        try note("intent", 64, filler)
        #expect(open.isFull && open.all().count == 64)
        for id in 1...64 { try note("outcome", id, "") }
        #expect(!open.isFull && open.bytes == 0)
    }
}
