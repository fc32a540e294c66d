/// A DNS server.
struct NameServer: Equatable, Sendable {
    let address: IPAddress
    let port: UInt16
}

extension NameServer: CustomStringConvertible {
    var description: String { "\(address.bracketed):\(port)" }
}

extension Kind where Value == NameServer {
    static var nameServer: Kind {
        Kind(
            name: "ADDRESS",
            accepted: "an IP address, with or without a port, such as 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53",
            read: { (text) throws(Misfit) in
                if let address = IPAddress(text) { return NameServer(address: address, port: 53) }
                guard let parts = HostPort(text), let address = IPAddress(parts.host),
                    address.isIPv6 == parts.isBracketed
                else { throw Misfit("is not an IP address") }
                guard parts.port != 0 else { throw Misfit("has port 0") }
                return NameServer(address: address, port: parts.port ?? 53)
            },
            text: \.description
        )
    }
}

extension Kind where Value == NameServer? {
    static var nameServerOrNothing: Kind { Kind<NameServer>.nameServer.orNothing() }
}
