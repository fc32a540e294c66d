@testable import EventIO
import Glibc
@testable import HTTP
@testable import Hub
import Logging
@testable import Server

/// A directory of its own, which goes with the test.
final class AuditPlace {
    private let temporary = TemporaryDirectory()
    var directory: AuditDirectory { AuditDirectory(path: temporary.path) }

    func journal(run: String = "aaaaaaaa", rotate: Int = 1 << 20, keep: Int = 0) -> AuditJournal {
        AuditJournal(
            AuditJournal.Options(directory: directory, rotateBytes: rotate, keepDays: keep), run: run,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func kinds() throws -> [String] {
        try directory.files().flatMap { file -> [String] in
            let reader = try AuditLines(directory.path(of: file))
            var kinds: [String] = []
            while let line = try reader.next() { kinds.append(AuditLineHead(line[...])?.kind.name ?? "none") }
            return kinds
        }
    }

    func check(_ known: AuditTables.Head? = nil) throws -> [String] {
        try AuditCheck(directory, known: known).faults.map(\.description)
    }
}

func auditEntry(
    _ kind: AuditRecord.Kind, _ id: String, sequence: Int64, sender: Int64 = 5, worker: Int = 1,
    run: String = "aaaaaaaa"
) -> AuditJournal.Entry {
    var record = AuditRecord(kind)
    record.set(.requestID, id)
    record.set(.key, "k")
    return AuditJournal.Entry(
        record: record, origin: .init(run: run, worker: worker, sender: sender, sequence: sequence))
}
