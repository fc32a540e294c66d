extension Int {
    /// With the noun behind it: `1 file`, `2 files`.
    func counting(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
