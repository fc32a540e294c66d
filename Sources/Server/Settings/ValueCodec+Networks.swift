import EventIO

extension ValueCodec where Value == IPNetworks {
    /// More than any list that is kept by hand has.
    private static var most: Int { 256 }

    static var networks: ValueCodec {
        ValueCodec(
            name: "NETWORKS",
            accepted: "IP addresses and networks with commas between them, such as 10.0.0.0/8,192.0.2.7,fd00::/8",
            isList: true,
            read: { (text) throws(ValueError) in
                var networks: [IPNetwork] = []
                for part in ListText.parts(text) { networks.append(try network(part)) }
                guard networks.count <= most else { throw ValueError("has more than \(most) entries") }
                return IPNetworks(networks)
            },
            text: { $0.list.map(written).joined(separator: ",") }
        )
    }

    private static func network(_ text: Substring) throws(ValueError) -> IPNetwork {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPNumber(parts[0]) else {
            throw ValueError("has an entry that is no IP address: \(String(text).shown)")
        }
        guard parts.count > 1 else { return IPNetwork(address) }
        // Digits only: `Int("+8")` would be a number too.
        guard let prefix = HostPort.port(parts[1]).map(Int.init), let network = IPNetwork(address, prefix: prefix)
        else {
            throw ValueError("has an entry whose prefix is too long or no number: \(String(text).shown)")
        }
        guard prefix > 0 else {
            throw ValueError(
                "trusts every address with \(text), so that any client could choose its address; name your networks")
        }
        guard network.isExact else {
            throw ValueError(
                "has \(text), which is inside of \(network.first.text)/\(prefix); write that, or the address alone")
        }
        return network
    }

    private static func written(_ network: IPNetwork) -> String {
        network.isSingle ? network.address.text : "\(network.address.text)/\(network.prefix)"
    }
}
