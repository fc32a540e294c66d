import EventIO

/// Whether an audit is whole: each line fits the one before, each file the one before, and the end is the one that the database knows.
struct AuditCheck {
    /// What is wrong, and where.
    struct Fault: Equatable, CustomStringConvertible {
        let file: String
        /// From 1; 0: the file as a whole.
        let line: Int
        let reason: String

        var description: String { (line > 0 ? "\(file):\(line)" : file) + ": " + reason }
    }

    /// In their order, and no more than `mostFaults`: the first of them say the most.
    private(set) var faults: [Fault] = []
    private(set) var lines = 0
    private(set) var files = 0
    /// Of the first and the last line.
    private(set) var times: (first: String, last: String)?

    private static let mostFaults = 20

    private let directory: AuditDirectory
    private let known: AuditTables.Head?
    /// The line before; nil where it is not known.
    private var before: (number: Int64, hash: [UInt8], line: Int, file: String)?
    private var last: Int64 = 0
    /// The line before was out of order: of several in a row the first alone is reported.
    private var wasOutOfOrder = false
    private var removed: Set<String> = []
    /// A file that another one names as the one before it, and that is missing; and where it is named.
    private var absent: (name: String, from: String)?

    /// Reads all of it. `known` is the last line that the database knows; nil where the database cannot be read: a cut end is not
    /// found then. Throws where the audit cannot be read at all.
    init(_ directory: AuditDirectory, known: AuditTables.Head?) throws(AuditError) {
        self.directory = directory
        self.known = known
        var previous: AuditDirectory.File?
        let all = try directory.files()
        for file in all {
            try check(file, after: previous, isLast: file == all.last)
            previous = file
        }
        files = all.count
        if let absent, !removed.contains(absent.name) {
            note(absent.from, 0, "what was before is missing: it goes on after \(absent.name), which is not here")
        }
        if let known, known.number > last {
            let text = last == 0 ? "all lines up to \(known.number)" : "lines \(last + 1) to \(known.number)"
            note(all.last?.name ?? known.file, 0, "the end is cut: \(text) were written and are missing")
        }
    }

    private mutating func note(_ file: String, _ line: Int, _ reason: String) {
        guard faults.count < Self.mostFaults else { return }
        faults.append(Fault(file: file, line: line, reason: reason))
    }

    private mutating func check(
        _ file: AuditDirectory.File, after previous: AuditDirectory.File?, isLast: Bool
    ) throws(AuditError) {
        if let previous, previous.serial + 1 != file.serial {
            let text =
                file.serial == previous.serial
                ? "two files have its number" : "files between it and the next are missing"
            note(previous.name, 0, text)
            before = nil
        }
        let reader = try AuditLines(directory.path(of: file))
        while let line = try reader.next() { check(line, file, reader.number, after: previous) }
        // A gateway may be writing just now.
        for _ in 0..<20 where isLast && reader.rest > 0 {
            Pause.sleep(milliseconds: 50)
            while let line = try reader.next() { check(line, file, reader.number, after: previous) }
        }
        if reader.rest > 0 {
            note(
                file.name, reader.number + 1,
                "it ends in the middle of a line, as after a crash: the next start puts that apart")
        }
    }

    private mutating func check(
        _ line: [UInt8], _ file: AuditDirectory.File, _ number: Int, after previous: AuditDirectory.File?
    ) {
        lines += 1
        guard let head = AuditLineHead(line[...]) else {
            note(file.name, number, "it is no line of an audit")
            // The next line is compared with this one all the same.
            before = before.map { ($0.number + 1, AuditLine.hash(line), number, file.name) }
            return
        }
        times = (times?.first ?? head.time, head.time)
        if number == 1 { checkBegin(head, line, file, after: previous) }
        let hash = AuditLine.hash(line)
        if let known, head.number == known.number, hash != known.hash {
            note(file.name, number, "it is not the line that was written: the database knows another")
        }
        noteOtherFiles(head, line, file)
        guard isInOrder(head, file, number) else { return }
        before = (head.number, hash, number, file.name)
        last = max(last, head.number)
    }

    /// Whether the next line is to be compared with this one.
    private mutating func isInOrder(_ head: AuditLineHead, _ file: AuditDirectory.File, _ number: Int) -> Bool {
        guard let before else { return true }
        defer { wasOutOfOrder = head.number <= before.number }
        if head.number <= before.number {
            if wasOutOfOrder { return false }
            note(
                file.name, number,
                "it is out of its order: it is line \(head.number) of the audit, after line \(before.number)")
            return false
        }
        if head.number > before.number + 1 {
            let missing = head.number - before.number - 1
            note(file.name, number, "before it \(missing) line\(missing == 1 ? " is" : "s are") missing")
        } else if head.previous != before.hash {
            note(before.file, before.line, "it was changed: the line after it says that it was another")
        }
        return true
    }

    private mutating func checkBegin(
        _ head: AuditLineHead, _ line: [UInt8], _ file: AuditDirectory.File, after previous: AuditDirectory.File?
    ) {
        guard head.kind == .begin, let record = AuditRecord(.begin, line: line) else {
            return note(file.name, 1, "it does not begin as a file of an audit: its first lines are missing")
        }
        if record.text(.file) != file.name {
            note(file.name, 1, "it is another file, and was \(record.text(.file) ?? "nameless")")
        }
        let named = record.text(.previousFile)
        if let previous {
            if named != previous.name {
                note(file.name, 1, "it goes on after \(named ?? "nothing"), and not after \(previous.name)")
            }
        } else if let named {
            absent = (named, file.name)
        } else if head.number != 1 || head.previous.contains(where: { $0 != 0 }) {
            note(file.name, 1, "what was before it is missing")
        }
    }

    /// What lines say of other files.
    private mutating func noteOtherFiles(_ head: AuditLineHead, _ line: [UInt8], _ file: AuditDirectory.File) {
        guard head.kind == .removed || head.kind == .torn, let record = AuditRecord(head.kind, line: line),
            let name = record.text(.file)
        else { return }
        guard head.kind == .torn else {
            removed.insert(name)
            return
        }
        guard AuditDirectory.isOurs(name), case .bytes(let rest) = SystemFiles.read(directory.path + "/" + name) else {
            return note(name, 0, "what a crash had cut off is missing")
        }
        guard record.text(.sha256) == String(decoding: Hex.text(MessageDigest.sha256(rest)), as: UTF8.self) else {
            return note(name, 0, "what a crash had cut off was changed")
        }
    }
}
