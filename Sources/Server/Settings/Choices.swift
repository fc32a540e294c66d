/// Who may use the gateway, and as whom the Hub sees them.
enum Access: String, CaseIterable, Sendable {
    /// Whoever reaches the gateway acts with its token.
    case open
    /// Each client's own `Authorization` goes to the Hub; the gateway lends no token.
    case passthrough
    /// Each client shows a gateway key of its own, and acts with the gateway's token or one of `credentials_dir`.
    case keys
}

/// What the rules of gateway keys do.
enum KeyPolicy: String, CaseIterable, Sendable {
    /// They refuse what they do not allow.
    case enforce
    /// They refuse nothing: it is recorded what they would have refused.
    case shadow
}

/// What becomes of Xet, the store that newer clients send the bytes of large files to and fetch them from.
enum XetChoice: String, CaseIterable, Sendable {
    /// `uploads` where there is a file cache, which what comes by Xet would go past; else `carry`.
    case auto
    /// Its addresses lead here, and what is asked of it is relayed.
    case carry
    /// So it is for uploads. Downloads see nothing of it, and take the plain way.
    case uploads
    /// Nothing of it is shown, so downloads take the plain way; uploads need `HF_HUB_DISABLE_XET=1`.
    case hide
    /// Its addresses are left as they are, for clients that can reach them.
    case pass
}

/// Who answers what clients ask of their own accord.
enum ClientProbes: String, CaseIterable, Sendable {
    /// The gateway.
    case answer
    /// The Hub.
    case relay
}

enum LogLevel: String, CaseIterable, Sendable {
    case debug, info, notice, warning, error
}

enum LogFormat: String, CaseIterable, Sendable {
    /// Text on a terminal, else JSON.
    case auto
    case json, text
    /// JSON with the names of the Elastic Common Schema, or of OpenTelemetry's semantic conventions.
    case ecs, otel
}
