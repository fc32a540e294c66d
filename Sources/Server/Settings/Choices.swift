/// Which clients may use the gateway, and with which credential it calls the Hub for them.
enum Access: String, CaseIterable, Sendable {
    /// Whoever reaches the gateway acts with its token.
    case open
    /// Each client's own `Authorization` goes to the Hub; the gateway lends no token.
    case passthrough
    /// Each client shows a gateway key of its own, and acts with the gateway's token or one of `credentials_dir`.
    case keys
}

/// Whether the rules of gateway keys are enforced.
enum KeyPolicy: String, CaseIterable, Sendable {
    /// They refuse what they do not allow.
    case enforce
    /// They refuse nothing: what they would have refused is recorded.
    case shadow
}

/// How the gateway treats Xet, the store to which newer clients upload large files, and from which they download them.
enum XetChoice: String, CaseIterable, Sendable {
    /// `uploads` where there is a file cache, which downloads through Xet would bypass; else `carry`.
    case auto
    /// Its addresses lead to the gateway, and requests to it are relayed.
    case carry
    /// As `carry` for uploads. Downloads do not see Xet, and use plain HTTP.
    case uploads
    /// Clients do not see Xet, so downloads use plain HTTP; uploads need `HF_HUB_DISABLE_XET=1`.
    case hide
    /// Its addresses are not changed, for clients that can reach them.
    case pass
}

/// Where probes are answered that clients send of their own accord.
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
