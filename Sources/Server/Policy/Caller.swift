internal import Hub

/// Who asks, as far as the gateway knows: an address, and with `access = passthrough` a credential of their own.
struct Caller: Sendable {
    /// Without a port.
    let address: String
    /// The bearer token that goes to the Hub for them; nil if none does.
    let token: Secret?
}

extension Caller {
    /// In open access the client's own credential is not even looked at.
    @EventLoop init(_ exchange: Exchange, _ access: Access) {
        address = exchange.peer
        token = access == .open ? nil : exchange.request.headers["Authorization"].flatMap(Self.bearer)
    }

    /// The token of `Bearer TOKEN` (RFC 6750 section 2.1); the scheme's case does not matter.
    private static func bearer(_ authorization: String) -> Secret? {
        let words = authorization.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return try? Secret(Array(words[1].utf8))
    }
}
