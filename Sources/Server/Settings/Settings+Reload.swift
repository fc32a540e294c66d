extension Settings {
    /// A token is meant for the Hub and the callers that stand beside it in the settings.
    private static let tokenNames = ["token", "token_file"]
    private static let tokenScope = ["upstream", "inference_upstream", "access"]

    /// After a SIGHUP: what of `new` takes effect now, and the names of what differs but needs a restart.
    ///
    /// While a new `upstream`, `inference_upstream` or `access` waits for the restart, so does a new token: the old one must not get what was written
    /// for the new one.
    func reloaded(from new: Settings) -> (settings: Settings, needRestart: [String]) {
        let different = SettingsTable.all.filter { !$0.isSame(self, new) }
        let tokenWaits = different.contains { Self.tokenScope.contains($0.name) }
        var settings = self
        var needRestart: [String] = []
        for setting in different {
            if setting.isReloadable, !(tokenWaits && Self.tokenNames.contains(setting.name)) {
                setting.copy(new, &settings)
            } else {
                needRestart.append(setting.name)
            }
        }
        return (settings, needRestart)
    }

    /// The names of the settings that are other in `new`.
    func differences(from new: Settings) -> [String] {
        SettingsTable.all.filter { !$0.isSame(self, new) }.map(\.name)
    }
}
