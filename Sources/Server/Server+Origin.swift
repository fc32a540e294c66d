extension Server.Origin {
    /// The Hub that the settings name.
    init(_ settings: Settings) {
        self.init(
            base: settings.upstream.description,
            trust: settings.authorities.map { .file($0) } ?? .system,
            token: settings.token, inference: settings.inferenceUpstream?.description)
    }

    /// The same places for another token.
    func with(token: Secret?) -> Server.Origin {
        var origin = self
        origin.token = token
        return origin
    }
}
