import EventIO

/// The audit: the state process writes it, independently of the database. If one of the two cannot be written the other goes on.
extension StateProcess {
    func beginAudit() {
        journal?.begin(known: knownHead)
        moveEvents()
        saveAuditHead()
    }

    /// At the end every record that came is in the audit.
    func endAudit() {
        moveEvents()
        journal?.stop()
        saveAuditHead()
    }

    func checkAudit() {
        guard let journal else { return }
        let wasUp = journal.isUp
        journal.check(known: knownHead)
        if !wasUp, journal.isUp { moveEvents() }
        saveAuditHead()
    }

    private var knownHead: AuditTables.Head? {
        guard let head = try? writer?.audit.head() else { return nil }
        return head
    }

    /// Writes the records for the audit among `entries`, all at once. Returns, by their indices, why one is lost.
    func audit(_ entries: [StateWriter.Entry]) -> [String?] {
        var reasons = [String?](repeating: nil, count: entries.count)
        var places: [Int] = []
        var records: [AuditJournal.Entry] = []
        for (place, entry) in entries.enumerated() where entry.record.kind == .audit {
            guard let journal, let record = AuditRecord(entry.record.payload), record.kind.isOfWorkers else {
                reasons[place] = "this is no record for an audit that is kept here"
                continue
            }
            places.append(place)
            records.append(
                AuditJournal.Entry(
                    record: record,
                    origin: AuditLine.Origin(
                        run: journal.run, worker: entry.line, sender: entry.sender, sequence: entry.sequence)))
        }
        guard let journal, !records.isEmpty else { return reasons }
        for (place, reason) in zip(places, journal.write(records)) { reasons[place] = reason }
        return reasons
    }

    /// Moves what the command line and logins have noted of keys from the database to the audit. Without an audit it is dropped.
    func moveEvents() {
        guard let writer else { return }
        guard let journal else {
            try? writer.audit.removeEvents(upTo: .max)
            return
        }
        guard journal.isUp else { return }
        while let events = try? writer.audit.events(limit: 200), let last = events.last {
            let reasons = journal.write(
                events.map { event in
                    AuditJournal.Entry(
                        record: event.record,
                        origin: AuditLine.Origin(run: journal.run, sender: event.sender, sequence: 1))
                })
            guard reasons.allSatisfy({ $0 == nil }), (try? writer.audit.removeEvents(upTo: last.number)) != nil else {
                return
            }
        }
    }

    /// Saves the last line of the audit in the database, and in the metrics.
    private func saveAuditHead() {
        guard let journal else { return }
        slots[.auditUp] = journal.isUp ? 1 : 0
        for (kind, count) in journal.takeCounts() {
            slots.add(.auditRecords, at: MetricLabels.AuditKind(kind).rawValue, UInt64(count))
        }
        guard let writer, journal.head.number > 0, journal.head != knownHead else { return }
        try? writer.audit.set(journal.head)
    }
}
