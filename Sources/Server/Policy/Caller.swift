internal import Hub

/// Who asks, as far as the gateway knows: an address, and with `access = passthrough` a credential of their own.
struct Caller: Sendable {
    /// Without a port.
    let address: String
    /// What goes to the Hub for them; nil if nothing does.
    let credential: Credential?
}

extension Caller {
    /// In open access the client's own credential is not even looked at.
    @EventLoop init(_ exchange: Exchange, _ access: Access) {
        address = exchange.peer
        credential =
            access == .open ? nil : exchange.request.headers["Authorization"].flatMap { Credential($0) }
    }
}
