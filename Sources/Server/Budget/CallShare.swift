import EventIO

/// What a call is counted for: all calls of one share count together.
///
/// That is a gateway key, or where there are none the client's network: an IPv4 address, or the first 64 bits of an IPv6 address, whose host chooses
/// the others itself (RFC 4291 section 2.5.1). Cheap to make; the network is found only when shares are compared.
struct CallShare: Hashable, Sendable {
    private let address: String
    /// The key's public id; 0 for none.
    private let key: Int64

    init(address: String, key: Int64 = 0) {
        (self.address, self.key) = (address, key)
    }

    @EventLoop init(_ context: RequestContext) {
        self.init(address: context.address, key: context.principal.key?.publicID ?? 0)
    }

    private var network: Substring {
        guard address.utf8.contains(UInt8(ascii: ":")) else { return address[...] }
        return IPAddress.network(of: address)
    }

    static func == (left: CallShare, right: CallShare) -> Bool {
        left.key == right.key && (left.key != 0 || left.network == right.network)
    }

    func hash(into hasher: inout Hasher) {
        if key != 0 { hasher.combine(key) } else { hasher.combine(network) }
    }
}
