enum LogFormat: String, CaseIterable, Sendable {
    /// Text on a terminal, else JSON.
    case auto
    case json, text
}
