extension SettingsTable {
    static let audit = Group(
        title: "Audit",
        settings: [
            Setting(
                "audit_dir", \.auditDirectory, .pathOrOff,
                "Where each change, each refusal and each change of a key is written down, before the Hub is asked; it takes access = keys.",
                default: "audit in state_dir with access = keys, else off"),
            Setting(
                "audit_rotate_size", \.auditRotateSize, .bytes(.kibibytes(16) ... .mebibytes(65_536)),
                "The size at which the audit goes on in another file; it does so each day, too."),
            Setting(
                "audit_keep", \.auditKeep, .count(1...36_525, orOff: true),
                "After how many days a file of the audit is removed; off: never."),
            Setting(
                "usage_days", \.usageDays, .count(1...3660, orOff: true),
                "How many days `hubgate usage` can look back: what each key did is counted by day, with access = keys; off: it is not."
            ),
        ])
}
