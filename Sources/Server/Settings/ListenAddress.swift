import EventIO

/// An address and port to listen on.
struct ListenAddress: Equatable, Sendable {
    /// Nil: every address of the machine, IPv6 and IPv4.
    let address: IPAddress?
    /// 0: a free port that the system chooses.
    let port: UInt16

    var isLoopback: Bool { address?.isLoopback ?? false }

    /// Whether it means every address of the machine, IPv6 and IPv4, whichever of the two is written.
    var isEvery: Bool { address.map { $0.text == "0.0.0.0" || $0.text == "::" } ?? true }

    /// Empty for every address.
    var host: String { isEvery ? "" : address?.text ?? "" }

    /// Whether only one of the two can be listened on. Two free ports are never the same.
    func overlaps(_ other: ListenAddress) -> Bool {
        guard port == other.port, port != 0 else { return false }
        return isEvery || other.isEvery || number == other.number
    }

    private var number: IPNumber? { address.flatMap { IPNumber($0.text) } }
}

extension ListenAddress: CustomStringConvertible {
    var description: String { "\(address?.bracketed ?? ""):\(port)" }
}

extension ListenAddress {
    /// Throws for a text that is no address with a port.
    init(reading text: some StringProtocol) throws(ValueError) {
        if let port = HostPort.port(text) {
            self.init(address: IPAddress("127.0.0.1"), port: port)
            return
        }
        // No group of an IPv6 address has so many digits.
        if let last = text.split(separator: ":").last, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            HostPort.port(last) == nil
        {
            throw ValueError("has no such port; the port must be from 1 to 65535")
        }
        guard let parts = HostPort(text) else { throw .unknown }
        guard let port = parts.port else { throw ValueError("has no port") }
        if parts.host.isEmpty, !parts.isBracketed {
            self.init(address: nil, port: port)
            return
        }
        let host = parts.host == "localhost" ? "127.0.0.1" : parts.host
        guard let address = IPAddress(host), address.isIPv6 == parts.isBracketed else {
            throw ValueError("does not begin with an IP address")
        }
        self.init(address: address, port: port)
    }

    fileprivate static let accepted =
        "ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, :PORT for every address, or PORT for 127.0.0.1"
}

extension ValueCodec where Value == [ListenAddress] {
    /// As many as a listener of EventIO supports.
    private static var most: Int { 16 }

    static var listenAddresses: ValueCodec {
        ValueCodec(
            name: "ADDRESSES",
            accepted: "\(ListenAddress.accepted); several with commas between them",
            isList: true,
            read: { (text) throws(ValueError) in
                var addresses: [ListenAddress] = []
                for part in ListText.parts(text) {
                    guard !part.isEmpty || text.isEmpty else { throw ValueError("has an empty entry") }
                    let address = try ListenAddress(reading: part)
                    if let other = addresses.first(where: address.overlaps) {
                        throw ValueError(
                            other == address
                                ? "has \(address) twice"
                                : "has \(address) and \(other), which are one address; leave one out")
                    }
                    addresses.append(address)
                }
                guard addresses.count <= most else { throw ValueError("has more than \(most) addresses") }
                return addresses
            },
            text: { $0.map(\.description).joined(separator: ", ") }
        )
    }
}

extension ValueCodec where Value == ListenAddress? {
    static var listenAddressOrNothing: ValueCodec {
        ValueCodec<ListenAddress>(
            name: "ADDRESS", accepted: ListenAddress.accepted,
            read: { (text) throws(ValueError) in try ListenAddress(reading: text) }, text: \.description
        ).orNothing()
    }
}

/// A value that is a list: parts with commas between them.
enum ListText {
    static func parts(_ text: String) -> [Substring] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            var part = part
            while part.first == " " { part.removeFirst() }
            while part.last == " " { part.removeLast() }
            return part
        }
    }
}
