import EventIO

extension SettingsTable {
    static let deleteGrace = Setting(
        "delete_grace", \.deleteGrace, .days(Duration.seconds(1)...Duration.seconds(3650 * 86_400)),
        "How long a deleted repository can be restored (`hubgate trash`): until then it stays at the Hub, private, under another name; needs access = keys.",
        reloadable: true, sample: "7d")
}

extension SettingsReading {
    /// The state has the records of the trash, and the final delete takes a token of the gateway's.
    mutating func checkDeleteGrace() {
        guard settings.deleteGrace > .zero else { return }
        switch settings.access {
        case .keys: break
        case .passthrough:
            refuse(
                "delete_grace",
                "takes access = keys: with passthrough the gateway has no token with which it could delete for good what its clients have deleted; set that, or delete_grace = off"
            )
        case .open:
            refuse(
                "delete_grace",
                "takes access = keys: what is in the trash is written down in the state, which is there with keys; set that, or delete_grace = off"
            )
        }
    }
}
