/// Settings that had another name before the first release. An old name is refused, and the error says the new one.
enum RenamedSettings {
    static let names = ["account_hold": "account_cache_ttl", "strict_escape": "strict_leaks"]

    /// ` (it is called X now)`; nil for a name that no setting had. `spelled` writes a setting's name in the form of that place.
    static func hint(for name: String, spelled: (String) -> String = { $0 }) -> String? {
        names.first { spelled($0.key) == name }.map { " (it is called \(spelled($0.value)) now)" }
    }
}
