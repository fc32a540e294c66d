import Glibc

/// An IPv4 or IPv6 address in numbers.
struct IPAddress: Equatable, Sendable {
    /// As inet_ntop writes it, so that two spellings of an address are equal.
    let text: String
    let isLoopback: Bool

    var isIPv6: Bool { text.utf8.contains(UInt8(ascii: ":")) }
    /// As it stands before a port: IPv6 in brackets.
    var bracketed: String { isIPv6 ? "[\(text)]" : text }

    /// Nil for anything else than an address: names and zones (`fe80::1%eth0`) too.
    init?(_ text: some StringProtocol) {
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        let family = text.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
        var address = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
        let isAddress = unsafe address.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) } == 1
        guard isAddress else { return nil }
        var written = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let end = unsafe inet_ntop(family, address, &written, socklen_t(written.count))
        guard unsafe end != nil else { return nil }
        self.text = String(decoding: written.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        isLoopback = Self.isLoopback(address)
    }

    /// The network that a host at an IPv6 address chooses its address in: the first 64 bits, in a form of their own. An IPv4 address in IPv6's
    /// form is a network by itself; what is no address is left as it is.
    static func network(of text: String) -> Substring {
        var address = [UInt8](repeating: 0, count: 16)
        guard unsafe address.withUnsafeMutableBytes({ unsafe inet_pton(AF_INET6, text, $0.baseAddress) }) == 1 else {
            return text[...]
        }
        let isMappedIPv4 = address.starts(with: [UInt8](repeating: 0, count: 10) + [0xff, 0xff])
        let part = isMappedIPv4 ? address[12...] : address[..<8]
        return part.map { String($0) }.joined(separator: isMappedIPv4 ? "." : ",")[...]
    }

    private static func isLoopback(_ address: [UInt8]) -> Bool {
        if address.count == 4 { return address[0] == 127 }
        let zeros = [UInt8](repeating: 0, count: 10)
        let isMappedIPv4 = address.starts(with: zeros + [0xff, 0xff])
        return isMappedIPv4 ? address[12] == 127 : address == zeros + [0, 0, 0, 0, 0, 1]
    }
}
