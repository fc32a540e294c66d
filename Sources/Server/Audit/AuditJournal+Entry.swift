import Hub

extension AuditJournal {
    struct Options: Sendable {
        let directory: AuditDirectory
        /// A file that is as large is followed by another, in bytes.
        let rotateBytes: Int
        /// 0: for ever.
        let keepDays: Int
    }

    /// A record, and where it comes from.
    struct Entry {
        let record: AuditRecord
        let origin: AuditLine.Origin

        /// Whether it has to be on the disk when it is said to be written. What came of an act, who was refused, and who asked a model goes
        /// there with the next one that is, or a moment later.
        var isWaitedFor: Bool {
            switch record.kind {
            case .outcome, .refusal: false
            case .intent: record.text(.action) != HubAction.infer.name
            default: true
            }
        }
    }
}
