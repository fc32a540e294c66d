import Hub

extension AuditJournal {
    struct Options: Sendable {
        let directory: AuditDirectory
        /// In bytes: a file of that size is followed by the next.
        let rotateBytes: Int
        /// 0: for ever.
        let keepDays: Int
    }

    /// A record, and where it comes from.
    struct Entry {
        let record: AuditRecord
        let origin: AuditLine.Origin

        /// Whether it is acknowledged only once it is on the disk. An outcome, a refusal or the intent of an inference reaches the disk with the
        /// next record that is waited for, or a moment later.
        var isWaitedFor: Bool {
            switch record.kind {
            case .outcome, .refusal: false
            case .intent: record.text(.action) != HubAction.infer.name
            default: true
            }
        }
    }
}
