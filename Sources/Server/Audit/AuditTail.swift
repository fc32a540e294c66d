/// The end of an audit, as the next writer finds it.
struct AuditTail {
    private(set) var head = AuditTables.Head()
    private(set) var open = OpenIntents()
    /// The records of this run.
    private(set) var seen: Set<AuditLineHead.Record> = []
    /// Whether a line of this run is there.
    private(set) var knowsRun = false
    /// Where in the last file an incomplete line begins: a crash has cut it.
    private(set) var tornAt: Int?
    /// What is wrong beyond that, as a sentence without a full stop. The files stay as they are, for `hubgate audit verify`.
    private(set) var damage: String?

    private let run: String
    /// Whether the line before is known.
    private var isLinked = false
    private var hashOfKnown: [UInt8]?

    /// At most so much is looked at, in bytes.
    static let longest = 32 << 20

    /// `last` is the last of `files`, opened. `known` is the last line that the database knows.
    init(
        _ directory: AuditDirectory, _ files: [AuditDirectory.File], last: AuditFile?, run: String,
        known: AuditTables.Head?
    ) throws(AuditError) {
        self.run = run
        if let last {
            var room = Self.longest - last.length
            var earlier: [(name: String, part: (bytes: [UInt8], offset: Int))] = []
            for file in files.dropLast().suffix(16).reversed() where room > 0 {
                let part = try AuditFile.open(directory.path(of: file)).tail(room)
                room -= part.bytes.count
                earlier.append((file.name, part))
            }
            for (name, part) in earlier.reversed() { read(part, of: name, known, isLast: false) }
            read(try last.tail(Self.longest), of: files.last?.name ?? "", known, isLast: true)
        }
        if files.isEmpty { head.file = known?.file ?? "" }
        judge(known, isEmpty: last == nil)
        // Then a new file follows the last one, whatever the last one holds.
        if damage != nil, let last = files.last { head.file = last.name }
    }

    /// Takes up the lines of one file. A file without a whole line, which a crash at a rotation leaves, is not named as the one before the next
    /// file.
    private mutating func read(
        _ part: (bytes: [UInt8], offset: Int), of file: String, _ known: AuditTables.Head?, isLast: Bool
    ) {
        let bytes = part.bytes
        var start = 0
        if part.offset > 0 {
            // Skips the line that the window cuts.
            start = bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
        }
        while start < bytes.count {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")),
                let line = AuditLineHead(bytes[start..<end])
            else {
                guard !isLast else {
                    tornAt = part.offset + start
                    return
                }
                // In an earlier file a crash cannot have done this; `hubgate audit verify` reports it.
                isLinked = false
                start = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
                continue
            }
            // A crash cuts lines; it does not write others.
            if isLinked, line.number != head.number + 1 || line.previous != head.hash {
                damage = "line \(line.number) does not fit the one before it"
            }
            take(line, Array(bytes[start..<end]), known)
            head.file = file
            start = end + 1
        }
    }

    private mutating func take(_ line: AuditLineHead, _ bytes: [UInt8], _ known: AuditTables.Head?) {
        (head.number, head.hash, isLinked) = (line.number, AuditLine.hash(bytes), true)
        if line.number == known?.number { hashOfKnown = head.hash }
        open.note(line, bytes)
        guard line.run == run else { return }
        knowsRun = true
        if let record = line.record { seen.insert(record) }
    }

    /// The line that the database knows was on the disk: if it is missing, no crash was the cause.
    private mutating func judge(_ known: AuditTables.Head?, isEmpty: Bool) {
        guard let known else { return }
        if known.number > head.number {
            damage =
                isEmpty
                ? "the files up to line \(known.number) are not in this directory"
                : "line \(known.number) was written, and what can be read ends with line \(head.number)"
        } else if let hashOfKnown, hashOfKnown != known.hash {
            damage = "line \(known.number) is not the one that was written"
        } else {
            return
        }
        // The chain continues from what was really written, so the fault stays visible.
        tornAt = nil
        head = known
    }
}
