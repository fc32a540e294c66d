/// Where the gateway listens.
struct ListenAddress: Equatable, Sendable {
    /// Nil: every address of the machine, IPv6 and IPv4.
    let address: IPAddress?
    /// 0: a free port that the system chooses.
    let port: UInt16

    var isLoopback: Bool { address?.isLoopback ?? false }

    /// Whether it stands for every address of the machine, IPv6 and IPv4: by whichever family it is said.
    var isEvery: Bool { address.map { $0.text == "0.0.0.0" || $0.text == "::" } ?? true }

    /// Empty for every address.
    var host: String { isEvery ? "" : address?.text ?? "" }
}

extension ListenAddress: CustomStringConvertible {
    var description: String { "\(address?.bracketed ?? ""):\(port)" }
}

extension Kind where Value == ListenAddress {
    static var listenAddress: Kind {
        Kind(
            name: "ADDRESS",
            accepted: "ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, :PORT for every address, "
                + "or PORT for 127.0.0.1",
            read: { (text) throws(Misfit) in
                if let port = HostPort.port(text) { return ListenAddress(address: IPAddress("127.0.0.1"), port: port) }
                guard let parts = HostPort(text) else { throw .unknown }
                guard let port = parts.port else { throw Misfit("has no port") }
                if parts.host.isEmpty, !parts.isBracketed { return ListenAddress(address: nil, port: port) }
                let host = parts.host == "localhost" ? "127.0.0.1" : parts.host
                guard let address = IPAddress(host), address.isIPv6 == parts.isBracketed else {
                    throw Misfit("does not begin with an IP address")
                }
                return ListenAddress(address: address, port: port)
            },
            text: \.description
        )
    }
}

extension Kind where Value == ListenAddress? {
    static var listenAddressOrNothing: Kind { Kind<ListenAddress>.listenAddress.orNothing() }
}
