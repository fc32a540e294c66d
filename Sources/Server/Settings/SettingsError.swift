/// Everything that is wrong with the settings, at once. The caller prints the lines and ends with EX_CONFIG (78).
struct SettingsError: Error, Equatable {
    struct Problem: Equatable, Sendable {
        let provenance: Provenance?
        let setting: String?
        let reason: String
    }

    let problems: [Problem]
}

extension SettingsError: CustomStringConvertible {
    /// One line for each problem, ended by a line feed.
    var description: String { problems.map { "hubgate: \($0)\n" }.joined() }
}

extension SettingsError.Problem: CustomStringConvertible {
    /// `config/hubgate.yaml:12: listen: "nowhere" is not understood; accepted: …`
    var description: String {
        [provenance?.description, setting, reason].compactMap(\.self).joined(separator: ": ")
    }
}

extension SettingsError.Problem {
    init(_ provenance: Provenance?, _ setting: String, _ reason: String) {
        self.init(provenance: provenance, setting: setting, reason: reason)
    }

    init(_ provenance: Provenance?, _ reason: String) {
        self.init(provenance: provenance, setting: nil, reason: reason)
    }

    static func misfit(_ misfit: Misfit, of value: String, for setting: Setting, at provenance: Provenance) -> Self {
        let quoted = setting.isSecret ? Secret.mask : "\"\(value.shown)\""
        return Self(
            provenance: provenance,
            setting: setting.name,
            reason: "\(quoted) \(misfit.reason); accepted: \(setting.accepted)"
        )
    }
}
