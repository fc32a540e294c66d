import CEvent

/// An IPv4 or IPv6 address as a number, so that two spellings are equal. An IPv4 address in IPv6's form is that IPv4 address.
package struct IPNumber: Equatable, Sendable {
    fileprivate let high: UInt64
    fileprivate let low: UInt64

    init(_ address: ce_ip) {
        high = address.high
        low = address.low
    }

    /// Nil for anything but an address, such as a name, a port or a zone.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count < 46, !text.utf8.contains(0) else { return nil }
        var address = ce_ip()
        guard unsafe ce_ip_read(String(text), &address) else { return nil }
        self.init(address)
    }

    /// IPv4 with dots, IPv6 in RFC 5952's form.
    package var text: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            unsafe ce_ip_text(number, text.baseAddress)
            return unsafe text.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }

    package var isIPv4: Bool { ce_ip_is_v4(number) }

    fileprivate var number: ce_ip { ce_ip(high: high, low: low) }
}

/// All addresses that begin with the same bits.
package struct IPNetwork: Equatable, Sendable {
    package let address: IPNumber
    /// For the address's own family: up to 32 bits, or up to 128.
    package let prefix: Int

    /// Nil for a prefix that the family does not have.
    package init?(_ address: IPNumber, prefix: Int) {
        guard (0...(address.isIPv4 ? 32 : 128)).contains(prefix) else { return nil }
        self.address = address
        self.prefix = prefix
    }

    /// A single address.
    package init(_ address: IPNumber) {
        self.address = address
        prefix = address.isIPv4 ? 32 : 128
    }

    package var isSingle: Bool { prefix == (address.isIPv4 ? 32 : 128) }

    /// Whether the address is the network's first, with no bit set after the prefix.
    package var isExact: Bool { first == address }

    /// The network's first address.
    package var first: IPNumber { IPNumber(ce_network_first(network)) }

    /// Addresses of its own family only: `::/0` contains none of IPv4.
    package func contains(_ other: IPNumber) -> Bool {
        unsafe withUnsafePointer(to: network) { unsafe ce_networks_contain($0, 1, other.number) }
    }

    /// The prefix of IPv6's form.
    fileprivate var network: ce_network {
        ce_network(address: address.number, prefix: UInt32(address.isIPv4 ? prefix + 96 : prefix))
    }
}

/// A list of networks.
package struct IPNetworks: Sendable {
    package let list: [IPNetwork]
    private let networks: [ce_network]

    package init(_ list: [IPNetwork] = []) {
        self.list = list
        networks = list.map(\.network)
    }

    package var isEmpty: Bool { list.isEmpty }

    package func contains(_ address: IPNumber) -> Bool {
        unsafe ce_networks_contain(networks, networks.count, address.number)
    }

    func withPointer<Value>(_ body: (UnsafePointer<ce_network>?, Int) -> Value) -> Value {
        unsafe networks.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
    }
}

extension IPNetworks: Equatable {
    package static func == (left: IPNetworks, right: IPNetworks) -> Bool { left.list == right.list }
}
