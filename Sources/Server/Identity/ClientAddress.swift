import EventIO
import HTTP

/// A client's address, and how it called the gateway, as far as the proxies between are trusted to say so.
struct ClientAddress: Sendable {
    /// Without a port.
    let text: String
    /// Nil where no trusted proxy has said it.
    let origin: ForwardedOrigin?
}

extension ClientAddress {
    /// The nearest known address that is no trusted proxy's. The peer's address is known from its connection. A trusted proxy may name its
    /// client: in its PROXY protocol header, then in `Forwarded` or else `X-Forwarded-For`, from the last entry to the first. The search ends at an
    /// entry that is no address, and at the first address that is not trusted: entries before that were written by that client.
    @EventLoop static func of(_ exchange: Exchange, trusted: IPNetworks) -> ClientAddress {
        guard !trusted.isEmpty else { return ClientAddress(text: exchange.peer, origin: nil) }
        let announced = exchange.announcedClient
        let peer = announced?.text ?? exchange.peer
        return of(peer: peer, number: announced ?? IPNumber(exchange.peer), exchange.request.headers, trusted: trusted)
    }

    /// `number` is the peer's address, nil where it has none.
    static func of(
        peer: String, number: IPNumber?, _ headers: Headers, trusted: IPNetworks
    ) -> ClientAddress {
        let unknown = ClientAddress(text: peer, origin: nil)
        guard let number, trusted.contains(number) else { return unknown }
        let standard = ForwardedFields.forwarded(headers).map { walk($0, from: number, trusted) }
        let usual = ForwardedFields.xForwardedFor(headers).map { walk($0, from: number, trusted) }
        // A proxy writes one of them and may pass on the other as its client wrote it: if the two differ, neither is believed.
        if let standard, let usual, standard.client != usual.client { return unknown }
        let client = standard?.client ?? usual?.client ?? number
        return ClientAddress(
            text: client == number ? peer : client.text,
            origin: standard?.origin ?? ForwardedFields.xForwardedOrigin(headers))
    }

    /// From the nearest hop outwards, as long as trusted proxies have written them.
    private static func walk(
        _ hops: [ForwardedHop], from peer: IPNumber, _ trusted: IPNetworks
    ) -> (client: IPNumber, origin: ForwardedOrigin?) {
        var (client, origin) = (peer, ForwardedOrigin?.none)
        for hop in hops.reversed() {
            origin = hop.origin ?? origin
            guard let address = hop.client else { break }
            client = address
            guard trusted.contains(address) else { break }
        }
        return (client, origin)
    }
}
