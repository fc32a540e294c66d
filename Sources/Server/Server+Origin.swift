extension Server.Origin {
    /// The Hub that the settings name.
    init(_ settings: Settings) {
        self.init(
            base: settings.upstream.description,
            trust: settings.authorities.map { .file($0) } ?? .system,
            token: settings.token)
    }
}
