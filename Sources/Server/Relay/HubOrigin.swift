import EventIO
import HTTP

/// The addresses of the Hub, its token, and the certificates that are trusted for it.
struct HubOrigin: Sendable {
    let base: String
    let trust: TransferPool.Trust
    var token: Secret?
    /// The inference router's origin and path prefix; it gets the same token.
    var inference: String?
    /// Origins besides `content_hosts` that hold the Hub's content.
    var contentOrigins: [String] = []
}

extension HubOrigin {
    /// The Hub that the settings name.
    init(_ settings: Settings) {
        self.init(
            base: settings.upstream.description,
            trust: settings.authorities.map { .file($0) } ?? .system,
            token: settings.token, inference: settings.inferenceUpstream?.description)
    }

    /// The same addresses with another token.
    func with(token: Secret?) -> HubOrigin {
        var origin = self
        origin.token = token
        return origin
    }
}
