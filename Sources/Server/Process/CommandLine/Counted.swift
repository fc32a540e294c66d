extension Int {
    /// With a noun: `1 file`, `2 files`.
    func counting(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
