import EventIO
import Glibc

/// `host`, `host:port`, `[v6]:port` or `:port` in its parts. The caller checks whether the host is one.
struct HostPort: Equatable {
    let host: Substring
    let port: UInt16?
    let isBracketed: Bool

    init?(_ text: some StringProtocol) {
        let text = Substring(text)
        let rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            isBracketed = true
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            rest = text[end...]
            isBracketed = false
        }
        if rest.isEmpty {
            port = nil
        } else {
            guard rest.first == ":", let number = Self.port(rest.dropFirst()) else { return nil }
            port = number
        }
    }

    /// Digits only: `UInt16("+1")` would be a number too.
    static func port(_ text: some StringProtocol) -> UInt16? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt16(text)
    }
}

/// An IPv4 or IPv6 address in numbers.
struct IPAddress: Equatable, Sendable {
    /// In inet_ntop's form, so that two spellings of an address are equal.
    let text: String
    let isLoopback: Bool

    var isIPv6: Bool { text.utf8.contains(UInt8(ascii: ":")) }
    /// In the form before a port: IPv6 in brackets.
    var bracketed: String { isIPv6 ? "[\(text)]" : text }

    /// Nil for anything but an address, such as a name or a zone (`fe80::1%eth0`).
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

    /// The network in which a host at an IPv6 address chooses its own address: the first 64 bits, in a form of their own. An IPv4 address in IPv6's
    /// form is a network by itself; a text that is no address is returned unchanged.
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

/// A DNS server.
struct NameServer: Equatable, Sendable {
    let address: IPAddress
    let port: UInt16
}

extension NameServer: CustomStringConvertible {
    var description: String { "\(address.bracketed):\(port)" }
}

extension ValueCodec where Value == NameServer {
    static var nameServer: ValueCodec {
        ValueCodec(
            name: "ADDRESS",
            accepted: "an IP address, with or without a port, such as 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53",
            read: { (text) throws(ValueError) in
                if let address = IPAddress(text) { return NameServer(address: address, port: 53) }
                guard let parts = HostPort(text), let address = IPAddress(parts.host),
                    address.isIPv6 == parts.isBracketed
                else { throw ValueError("is not an IP address") }
                guard parts.port != 0 else { throw ValueError("has port 0") }
                return NameServer(address: address, port: parts.port ?? 53)
            },
            text: \.description
        )
    }
}

extension ValueCodec where Value == NameServer? {
    static var nameServerOrNothing: ValueCodec { ValueCodec<NameServer>.nameServer.orNothing() }
}

/// Domain names, each of which covers all names below it, by https, and origins, each for itself.
struct DomainNames: Equatable, Sendable {
    let names: [String]
    /// With the port, where that is not the scheme's own.
    var origins: [String] = []
}

extension ValueCodec where Value == DomainNames {
    static var domainNames: ValueCodec {
        ValueCodec(
            name: "NAMES",
            accepted:
                "domain names in lower case and origins with commas between them, such as hf.co,https://minio.internal:9000",
            isList: true,
            read: { (text) throws(ValueError) in
                let entries = text.split(separator: ",", omittingEmptySubsequences: false).map { name in
                    String(name.drop { $0 == " " })
                }
                let names = entries.filter { !$0.contains("://") }
                var origins: [String] = []
                for entry in entries where entry.contains("://") {
                    let address = try UpstreamAddress(reading: entry)
                    guard address.pathPrefix.isEmpty else {
                        throw ValueError("has an origin with a path: \(entry.shown)")
                    }
                    origins.append(address.origin)
                }
                let isName: (String) -> Bool = { name in
                    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
                    return labels.count > 1
                        && labels.allSatisfy { label in
                            !label.isEmpty
                                && label.utf8.allSatisfy {
                                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                                }
                        }
                }
                guard names.allSatisfy(isName) else { throw ValueError("is no list of domain names and origins") }
                return DomainNames(names: names, origins: origins)
            },
            text: { ($0.names + $0.origins).joined(separator: ",") }
        )
    }
}
