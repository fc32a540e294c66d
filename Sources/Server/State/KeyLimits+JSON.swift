import Hub

/// Limits for programs: in `hubgate keys --json` and the admin API, under the names that a role of the settings has for them.
extension KeyLimits {
    /// Numbers; no member where there is no limit.
    var json: JSON {
        .object(
            Dictionary(
                uniqueKeysWithValues: KeyLimit.allCases.compactMap { limit in
                    self[limit].map { (limit.settingName, .integer($0)) }
                }))
    }

    /// With the values of `members`: numbers, or null for no limit. Other limits stay.
    func changed(by members: [String: JSON]) -> KeyLimits {
        var limits = self
        for limit in KeyLimit.allCases {
            guard let value = members[limit.settingName] else { continue }
            limits[limit] = value.integerValue.map { min(max($0, 0), KeyLimit.most) }
        }
        return limits
    }
}
