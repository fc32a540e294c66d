/// Whom a call is counted for: callers of one share have the calls of all of them together.
///
/// Today that is the client's network: an IPv4 address, or the first 64 bits of an IPv6 address, whose host chooses the others itself
/// (RFC 4291 section 2.5.1). Cheap to make; the network is found only when shares are compared.
struct CallShare: Hashable, Sendable {
    private let address: String

    init(address: String) {
        self.address = address
    }

    private var network: Substring {
        guard address.utf8.contains(UInt8(ascii: ":")) else { return address[...] }
        return IPAddress.network(of: address)
    }

    static func == (left: CallShare, right: CallShare) -> Bool { left.network == right.network }

    func hash(into hasher: inout Hasher) { hasher.combine(network) }
}
