/// Who may use the gateway, and as whom the Hub sees them.
enum Access: String, CaseIterable, Sendable {
    /// Whoever reaches the gateway acts with its token.
    case open
    /// Each client's own `Authorization` goes to the Hub; the gateway lends no token.
    case passthrough
}
