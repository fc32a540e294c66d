import HTTP

/// The address of the Hub: an origin, and the path before all others there.
struct UpstreamAddress: Equatable, Sendable {
    enum Scheme: String, Sendable {
        case http, https

        var port: UInt16 { self == .https ? 443 : 80 }
    }

    let scheme: Scheme
    /// A name in lower case, or an address; IPv6 without brackets.
    let host: String
    let port: UInt16
    /// Empty, or begins with a slash and ends without one.
    let pathPrefix: String
    /// Nothing is sent there.
    var isOff = false

    static let hub = UpstreamAddress(scheme: .https, host: "huggingface.co", port: 443, pathPrefix: "")
    /// No Hub is called: the gateway serves what it has kept.
    static let off = UpstreamAddress(
        scheme: .https, host: "huggingface.co", port: 443, pathPrefix: "", isOff: true)
    /// The inference router that accepts that Hub's tokens.
    static let inferenceRouter = UpstreamAddress(
        scheme: .https, host: "router.huggingface.co", port: 443, pathPrefix: "")

    /// The value of a `Host` field: with the port when it is not the scheme's own.
    var authority: String {
        let name = IPAddress(host)?.bracketed ?? host
        return port == scheme.port ? name : "\(name):\(port)"
    }
    var origin: String { "\(scheme.rawValue)://\(authority)" }
    var isLoopback: Bool { IPAddress(host)?.isLoopback ?? (host == "localhost") }
}

extension UpstreamAddress: CustomStringConvertible {
    var description: String { origin + pathPrefix }
}

extension UpstreamAddress {
    /// Stricter than RFC 3986: anything that no Hub's address needs is refused, so that no two readers can differ about it.
    init(reading text: String) throws(ValueError) {
        guard let colon = text.firstRange(of: "://") else { throw ValueError("is not a URL") }
        guard let scheme = Scheme(rawValue: text[..<colon.lowerBound].lowercased()) else {
            throw ValueError("is neither https nor http")
        }
        let rest = text[colon.upperBound...]
        guard !rest.contains("@") else { throw ValueError("has a user name, which belongs in no address") }
        guard !rest.contains("?"), !rest.contains("#") else { throw ValueError("has a query or a fragment") }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let parts = HostPort(rest[..<slash]), parts.port != 0 else {
            throw ValueError("has no valid host and port")
        }
        self.scheme = scheme
        host = try Self.host(parts)
        port = parts.port ?? scheme.port
        pathPrefix = try Self.pathPrefix(rest[slash...])
    }

    private static func host(_ parts: HostPort) throws(ValueError) -> String {
        if let address = IPAddress(parts.host), address.isIPv6 == parts.isBracketed { return address.text }
        let labels = parts.host.split(separator: ".", omittingEmptySubsequences: false)
        // Some readers take a name whose last label is a number as an address: 2130706433 is 127.0.0.1 to libcurl.
        let isName =
            !parts.isBracketed && parts.host.utf8.count <= 253
            && labels.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) }
            && labels.last?.first?.isNumber == false
        guard isName else { throw ValueError("has no valid host") }
        return parts.host.lowercased()
    }

    private static func pathPrefix(_ path: Substring) throws(ValueError) -> String {
        var path = path
        if path.last == "/" { path.removeLast() }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let isPlain = segments.allSatisfy { segment in
            !segment.isEmpty && segment != "." && segment != ".."
                && segment.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "~") }
        }
        guard isPlain else {
            throw ValueError("has a path with more than letters, digits, - . _ ~ between single slashes")
        }
        return String(path)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension ValueCodec where Value == UpstreamAddress {
    static var upstreamAddressOrOff: ValueCodec {
        ValueCodec(
            name: "URL",
            accepted:
                "https://HOST[:PORT][/PATH], or off; http only where upstream_plaintext says so or the host is loopback",
            read: { (text) throws(ValueError) in text == "off" ? .off : try UpstreamAddress(reading: text) },
            text: { $0.isOff ? "off" : $0.description }
        )
    }

    static var upstreamAddress: ValueCodec {
        ValueCodec(
            name: "URL",
            accepted: "https://HOST[:PORT][/PATH]; http only where upstream_plaintext says so or the host is loopback",
            read: { (text) throws(ValueError) in try UpstreamAddress(reading: text) },
            text: \.description
        )
    }
}

extension ValueCodec where Value == UpstreamAddress? {
    /// Read as strictly, since it is written into every response.
    static var publicURLOrNothing: ValueCodec {
        ValueCodec<UpstreamAddress>(
            name: "URL",
            accepted: "https://HOST[:PORT][/PATH], or http where a load balancer is reached so",
            read: { (text) throws(ValueError) in try UpstreamAddress(reading: text) },
            text: \.description
        ).orNothing()
    }

    static var upstreamAddressOrNothing: ValueCodec { ValueCodec<UpstreamAddress>.upstreamAddress.orNothing() }
}
