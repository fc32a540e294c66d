extension SettingsTable {
    static let audit = Group(
        title: "Audit",
        settings: [
            Setting(
                "audit_dir", \.auditDirectory, .pathOrOff,
                "The directory of the audit: each change is recorded there before the Hub is asked, and each refusal and each change of a key; needs access = keys.",
                default: "audit in state_dir with access = keys, else off"),
            Setting(
                "audit_rotate_size", \.auditRotateSize, .bytes(.kibibytes(16) ... .mebibytes(65_536)),
                "The size at which the audit begins a new file; it begins one each day, too."),
            Setting(
                "audit_keep", \.auditKeep, .count(1...36_525, orOff: true),
                "The number of days after which a file of the audit is removed; off: never."),
            Setting(
                "usage_days", \.usageDays, .count(1...3660, orOff: true),
                "How many days `hubgate usage` can look back: what each key did is counted by day, with access = keys; off: it is not."
            ),
        ])
}
