import EventIO
import HTTP

/// The HTTP proxy that calls go through.
struct UpstreamProxy: Equatable, Sendable {
    /// A name in lower case, or an address; IPv6 without brackets.
    let host: String
    let port: UInt16
    /// User and password in the form of Basic (RFC 7617); nil: the proxy needs none.
    let credentials: Secret?
    /// Whether plaintext goes through it, too. Not for a proxy that the environment names for https.
    var takesPlaintext = true

    /// Whether a server is called through it. Never for a loopback address: to a proxy that would be its own machine, and plaintext, which
    /// is allowed to loopback only, would leave this one.
    func serves(_ host: String, port: UInt16, isTLS: Bool, but exceptions: NoProxy) -> Bool {
        let isLoopback = IPAddress(host)?.isLoopback ?? (host == "localhost" || host.hasSuffix(".localhost"))
        return !isLoopback && (isTLS || takesPlaintext) && !exceptions.covers(host, port: port)
    }
}

extension UpstreamProxy: CustomStringConvertible {
    /// Its address, with the credentials hidden.
    var description: String {
        let name = IPAddress(host)?.bracketed ?? host
        return "http://\(credentials == nil ? "" : Secret.mask + "@")\(name):\(port)"
    }
}

extension UpstreamProxy {
    /// No error quotes the text, which may hold a password.
    init(reading text: String) throws(ValueError) {
        var rest = text[...]
        if let colon = text.firstRange(of: "://") {
            let scheme = text[..<colon.lowerBound].lowercased()
            if let other = Self.otherSchemes.first(where: { $0 == scheme }) {
                throw ValueError("begins with \(other)://, and only http:// is spoken to a proxy")
            }
            guard scheme == "http" else { throw ValueError("does not begin with http://") }
            rest = text[colon.upperBound...]
        }
        if rest.last == "/" { rest.removeLast() }
        var user: Substring?
        if let at = rest.lastIndex(of: "@") {
            user = rest[..<at]
            rest = rest[rest.index(after: at)...]
        }
        guard HostPort(rest)?.port != nil else { throw ValueError("has no host with a port after it") }
        let address = try UpstreamAddress(reading: "http://" + rest)
        guard address.pathPrefix.isEmpty else { throw ValueError("has a path") }
        host = address.host
        port = address.port
        credentials = try user.map(Self.credentials) ?? nil
    }

    private static let otherSchemes = ["https", "socks", "socks4", "socks4a", "socks5", "socks5h", "quic"]

    /// From `user:password`, both percent-encoded where needed. Nil if there is nothing.
    private static func credentials(_ userInfo: Substring) throws(ValueError) -> Secret? {
        guard !userInfo.isEmpty else { return nil }
        guard !userInfo.contains(where: { "/?#".contains($0) }) else {
            throw ValueError("has a /, ? or # in its user or password; write %2F, %3F or %23 for it")
        }
        let colon = userInfo.firstIndex(of: ":") ?? userInfo.endIndex
        let user = try decoded(userInfo[..<colon])
        let password = try decoded(userInfo[colon...].dropFirst())
        guard !user.contains(UInt8(ascii: ":")) else { throw ValueError("has a user name with a colon") }
        do throws(Secret.Flaw) {
            return try Secret(Base64.encode(user + [UInt8(ascii: ":")] + password).utf8)
        } catch {
            throw ValueError("has a password that is too long")
        }
    }

    private static func decoded(_ text: Substring) throws(ValueError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexDigit, let low = rest.popFirst()?.hexDigit else {
                throw ValueError("has a % in its user or password that begins no escape; write %25 for it")
            }
            bytes.append(high << 4 | low)
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueError("has a control character in its user or password")
        }
        return bytes
    }
}

extension ValueCodec where Value == UpstreamProxy? {
    static var upstreamProxy: ValueCodec {
        ValueCodec(
            name: "PROXY",
            accepted: "http://[USER:PASSWORD@]HOST:PORT, or off",
            read: { (text) throws(ValueError) in text == "off" ? nil : try UpstreamProxy(reading: text) },
            text: { $0?.description ?? "off" }
        )
    }
}
