/// What is no error and an operator should know: said at the start, at each reload, and by `--check`.
extension Settings {
    var warnings: [String] {
        [shadowWarning, loginWarning, clientWarning, endpointWarning].compactMap(\.self) + idleWarnings
    }

    private var shadowWarning: String? {
        guard policy == .shadow, access == .keys else { return nil }
        return
            "policy = shadow: the rules of gateway keys refuse nothing. A key may do all that its token may, and what its rules would refuse is recorded."
    }

    /// Nil where calls have a token, or need none.
    var tokenNotice: String? {
        let needsNone = sandbox || upstream.isOff || access == .passthrough
        guard !needsNone, token == nil, credentials == nil || access != .keys else { return nil }
        return "No Hub token is set: set HF_ACCESS_TOKEN, HF_TOKEN or token_file. Until then calls answer 503."
    }

    /// Settings that others switch off. They are no error: a file may be for several gateways.
    private var idleWarnings: [String] {
        let groups: [(isOn: Bool, condition: String, names: [String])] = [
            (
                access == .keys, "access = keys",
                [
                    "policy", "credentials_dir", "roles", "login_lifetime", "audit_rotate_size", "audit_keep",
                    "usage_days",
                ]
            ),
            (sandbox, "sandbox", ["sandbox_limits"]),
            (!cacheDirectory.isEmpty, "cache_dir", ["cache_size", "cache_finish"]),
            (otlpEndpoint != nil, "otlp_endpoint", ["otlp_headers", "otlp_headers_file", "otlp_sample"]),
        ]
        let usual = Settings()
        return groups.compactMap { group in
            let names = SettingsTable.all.filter { group.names.contains($0.name) && !$0.isSame(self, usual) }.map(
                \.name)
            guard !group.isOn, !names.isEmpty else { return nil }
            return "These settings have no effect without \(group.condition): \(names.joined(separator: ", "))."
        }
    }

    /// After a SIGHUP: the settings file or `.env`, if one of them was read and is gone. That is mostly for a moment, while it is replaced, and all that it
    /// says would be taken back.
    func goneFile(_ new: Settings) -> String? {
        if let config, new.config != config, SystemFiles.read(config) == .absent { return config }
        func counts(_ settings: Settings) -> Bool {
            settings.origins.values.contains { $0.hasPrefix(Provenance.dotEnvPath) }
        }
        return counts(self) && !counts(new) && SystemFiles.read(Provenance.dotEnvPath) == .absent
            ? Provenance.dotEnvPath : nil
    }
}
