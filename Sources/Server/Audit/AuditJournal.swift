import EventIO
import Logging

/// Writes the audit: one chain of lines over all files, all workers' in the order in which they come. It waits for the disk, so only the
/// state process has one.
final class AuditJournal {
    let run: String
    private let options: Options
    private let log: Logger
    private var lock: AuditLock?
    private var file: AuditFile?
    private var current: AuditDirectory.File?
    private(set) var head = AuditTables.Head()
    private var seen: Set<AuditLineHead.Record> = []
    private(set) var open = OpenIntents()
    /// The end was read, so it is known which line comes next.
    private var isReady = false
    /// Records of what the start has found, not written yet; nil: they are written.
    private var owed: [AuditRecord]?
    /// Why nothing can be written; empty where it can.
    private var trouble = ""
    /// Records that were refused since then.
    private var refused = 0
    /// Lines by kind since `takeCounts` was last called.
    private var counts: [AuditRecord.Kind: Int] = [:]

    /// Records that are remembered so that none is written twice: far more than workers may have under way.
    private static let mostSeen = 200_000
    /// Lines in the log about intents whose outcome is unknown.
    private static let mostWarnings = 100

    init(_ options: Options, run: String, log: Logger) {
        (self.options, self.run, self.log) = (options, run, log)
    }

    var isUp: Bool { isReady && trouble.isEmpty }
    var directory: AuditDirectory { options.directory }

    /// Continues the chain of the last gateway or state process; `known` is the last line that the database knows. What fails here is
    /// tried again by `check`.
    func begin(known: AuditTables.Head?) {
        do throws(AuditError) {
            if lock == nil { lock = try AuditLock(in: options.directory) }
            let files = try options.directory.files()
            let last = try files.last.map { (file) throws(AuditError) in
                try AuditFile.open(options.directory.path(of: file))
            }
            let tail = try AuditTail(options.directory, files, last: last, run: run, known: known)
            (head, open, seen, file) = (tail.head, tail.open, tail.seen, last)
            current = files.last ?? known.flatMap { AuditDirectory.File(name: $0.file) }
            owed = try mend(after: tail) + (tail.knowsRun ? [] : [AuditRecord(.start)])
            // A record that is sent again is acknowledged as written, so it has to be on the disk.
            try file?.sync()
            isReady = true
            reportFindings()
        } catch {
            fail(error, refused: 0)
        }
    }

    /// Writes what the start has found, as soon as that is possible.
    private func reportFindings() {
        guard let records = owed, write(own: records) else { return }
        owed = nil
        report(open.all { $0.run != run })
    }

    /// Makes sure that the file to be continued ends with a whole line of the chain. Returns records of any repair.
    private func mend(after tail: AuditTail) throws(AuditError) -> [AuditRecord] {
        if let damage = tail.damage {
            // The damaged file stays as it is; the next one continues the chain.
            file = nil
            log.error(
                "The audit in \(options.directory.path.shown) was changed or is incomplete: \(damage). Run `hubgate audit verify`."
            )
        }
        guard let start = tail.tornAt, let file else { return [] }
        return [try setApart(file, from: start)]
    }

    /// Moves what a crash has left after the last whole line to a file of its own.
    private func setApart(_ file: AuditFile, from start: Int) throws(AuditError) -> AuditRecord {
        let rest = Array(try file.tail(file.length - start).bytes)
        let name = "torn-\(head.number + 1)-\(run).part"
        let kept = try AuditFile.make(options.directory.path + "/" + name)
        try kept.append(rest)
        try AuditFile.syncDirectory(options.directory.path)
        try file.cut(to: start)
        log.warning("The audit's last line was cut by a crash: \(rest.count) bytes are kept in \(name.shown).")
        var record = AuditRecord(.torn)
        record.set(.file, name)
        record.set(.count, rest.count)
        record.set(.sha256, String(decoding: Hex.text(MessageDigest.sha256(rest)), as: UTF8.self))
        return record
    }

    // MARK: writing

    /// Writes all of them at once. For each: nil where it is on the disk, also from an earlier time, or why it is not.
    func write(_ entries: [Entry]) -> [String?] {
        guard isReady else {
            refused += entries.count
            return entries.map { _ in trouble }
        }
        var reasons = [String?](repeating: nil, count: entries.count)
        var taken: [Int] = []
        var now: Set<AuditLineHead.Record> = []
        for (index, entry) in entries.enumerated() {
            if let record = entry.origin.record, seen.contains(record) || !now.insert(record).inserted { continue }
            if entry.record.kind == .intent, open.isFull {
                reasons[index] = "too many acts are under way"
            } else {
                taken.append(index)
            }
        }
        guard !taken.isEmpty || !trouble.isEmpty else { return reasons }
        do throws(AuditError) {
            try append(gap + taken.map { entries[$0] })
            if !trouble.isEmpty {
                log.notice("The audit can be written again; \(refused) records were refused meanwhile.")
            }
            (trouble, refused) = ("", 0)
        } catch {
            fail(error, refused: taken.count)
            for index in taken { reasons[index] = error.description }
        }
        return reasons
    }

    /// Writes lines of the state process's own. Whether they are on the disk.
    @discardableResult
    private func write(own records: [AuditRecord]) -> Bool {
        guard isReady else { return false }
        _ = write(records.map { Entry(record: $0, origin: .init(run: run)) })
        return trouble.isEmpty
    }

    /// The record that for a time nothing was written.
    private var gap: [Entry] {
        guard !trouble.isEmpty else { return [] }
        var record = AuditRecord(.gap)
        record.set(.detail, trouble)
        record.set(.count, refused)
        return [Entry(record: record, origin: .init(run: run))]
    }

    private func append(_ entries: [Entry]) throws(AuditError) {
        let now = WallClock.microseconds
        let isNew = try rotate(now)
        var (bytes, next) = ([UInt8](), head)
        var lines: [(AuditLineHead, [UInt8])] = []
        for entry in (file?.length == 0 ? [first] : []) + entries {
            let line = AuditLine.bytes(
                entry.record, next.number + 1, after: next.hash, microseconds: now, from: entry.origin)
            (next.number, next.hash) = (next.number + 1, AuditLine.hash(line))
            bytes += line
            bytes.append(UInt8(ascii: "\n"))
            if let head = AuditLineHead(line[...]) { lines.append((head, line)) }
        }
        try file?.append(bytes, syncing: entries.contains(where: \.isWaitedFor))
        next.file = current?.name ?? ""
        head = next
        for (head, line) in lines { take(head, line) }
        if isNew { removeOld(now) }
    }

    private func take(_ head: AuditLineHead, _ line: [UInt8]) {
        counts[head.kind, default: 0] += 1
        open.note(head, line)
        guard let record = head.record else { return }
        if seen.count >= Self.mostSeen { seen.removeAll() }
        seen.insert(record)
    }

    private func fail(_ error: AuditError, refused count: Int) {
        refused += count
        guard trouble != error.description else { return }
        trouble = error.description
        log.error(
            "The audit cannot be written: \(trouble). What changes something gets 503 AuditUnavailable until it can; reads go on."
        )
    }

    // MARK: files

    /// The first line of a file.
    private var first: Entry {
        var record = AuditRecord(.begin)
        record.set(.file, current?.name)
        record.set(.previousFile, head.file.isEmpty ? nil : head.file)
        return Entry(record: record, origin: .init(run: run))
    }

    /// Begins the next file, where it is time. Whether it did.
    private func rotate(_ now: Int) throws(AuditError) -> Bool {
        let today = String(AuditLine.time(now).prefix(10))
        if let file, let current, file.length < options.rotateBytes, current.day >= today || file.length == 0 {
            return false
        }
        try file?.sync()
        let next = AuditDirectory.File(serial: (current?.serial ?? 0) + 1, day: today)
        file = try AuditFile.make(options.directory.path(of: next))
        current = next
        try AuditFile.syncDirectory(options.directory.path)
        return true
    }

    /// Removes files older than `audit_keep`; a line says so first.
    private func removeOld(_ now: Int) {
        guard options.keepDays > 0, let files = try? options.directory.files() else { return }
        let oldest = String(AuditLine.time(max(0, now - options.keepDays * 86_400_000_000)).prefix(10))
        let old = files.prefix { $0.day < oldest && $0 != current }
        guard !old.isEmpty else { return }
        let records = old.map { file in
            var record = AuditRecord(.removed)
            record.set(.file, file.name)
            return record
        }
        guard write(own: records) else { return }
        for file in old { AuditFile.remove(options.directory.path(of: file)) }
    }

    // MARK: checks, workers, the end

    /// Called now and then: retries what failed, and checks whether the file is still there. `known` as for `begin`.
    func check(known: AuditTables.Head?) {
        guard isReady else { return begin(known: known) }
        sync()
        if !trouble.isEmpty { _ = write([]) }
        if trouble.isEmpty { reportFindings() }
        guard let file, file.isReplaced else { return }
        log.error(
            "\(file.path.shown) was moved or removed while the audit was written to it. Run `hubgate audit verify`.")
        self.file = nil
    }

    /// Also syncs records without a waiter.
    private func sync() {
        do throws(AuditError) {
            try file?.sync()
        } catch {
            fail(error, refused: 0)
        }
    }

    /// A worker has begun: acts that its predecessor had under way will have no outcome.
    func began(worker: Int, sender: Int64) {
        report(open.all { $0.worker == worker && $0.sender != sender })
    }

    /// The gateway stops in order: an outcome that is not known by now never will be.
    func stop() {
        report(open.all())
        write(own: [AuditRecord(.stop)])
    }

    /// Writes to the audit and the log that the outcome of these acts is unknown.
    private func report(_ intents: [OpenIntents.Intent]) {
        guard !intents.isEmpty, isReady else { return }
        let entries = intents.compactMap { intent in
            intent.unknown.map { Entry(record: $0, origin: .init(run: run, worker: intent.worker)) }
        }
        guard write(entries).allSatisfy({ $0 == nil }) else { return }
        for entry in entries.prefix(Self.mostWarnings) {
            let record = entry.record
            let act = "\(record.text(.action) ?? "-") \(record.text(.resource) ?? "-")"
            log.warning(
                "Audit: the outcome of request \(record.text(.requestID) ?? "-") of the key \(record.text(.key) ?? "-") is unknown: \(act). Look at the Hub."
            )
        }
        guard entries.count > Self.mostWarnings else { return }
        log.warning("Audit: the same of \(entries.count - Self.mostWarnings) more: `hubgate audit show --unknown`.")
    }

    /// Lines by kind since this was asked last.
    func takeCounts() -> [AuditRecord.Kind: Int] {
        defer { counts = [:] }
        return counts
    }
}
