import EventIO
import HTTP

/// The web pages and desktop programs of other origins that may use the gateway from a browser's engine.
struct TrustedOrigins: Equatable, Sendable {
    /// In the form of a browser's `Origin` field (RFC 6454 section 6.2).
    let names: [String]
    /// Whether each origin is trusted.
    let isEvery: Bool

    static let none = TrustedOrigins(names: [], isEvery: false)

    var isEmpty: Bool { names.isEmpty && !isEvery }

    /// A bound, since each request with an `Origin` is compared with all of them.
    private static let most = 64

    private init(names: [String], isEvery: Bool) {
        self.names = names
        self.isEvery = isEvery
    }

    /// Origins with commas between them, or `*` alone.
    init(reading text: String) throws(ValueError) {
        let texts = text.isEmpty ? [] : ListText.parts(text)
        if texts == ["*"] {
            self.init(names: [], isEvery: true)
            return
        }
        guard texts.count <= Self.most else { throw ValueError("has more than \(Self.most) origins") }
        for text in texts {
            guard !text.isEmpty else { throw ValueError("has an empty entry") }
            guard text != "*" else { throw ValueError("has * beside other origins; it stands alone") }
            try Self.check(text)
        }
        self.init(names: texts.map(String.init), isEvery: false)
    }

    /// Whether a request with this `Origin` field comes from a trusted page. Documents without an origin of their own send `null`, and
    /// any page can make one: it is never trusted.
    func contain(_ origin: String) -> Bool {
        isEvery ? origin != "null" : names.contains(origin)
    }

    private static func check(_ text: Substring) throws(ValueError) {
        guard let colon = text.firstRange(of: "://") else {
            throw ValueError("\(String(text).shown) is no origin: give SCHEME://HOST or SCHEME://HOST:PORT")
        }
        let (scheme, authority) = (text[..<colon.lowerBound], text[colon.upperBound...])
        guard isScheme(scheme.utf8), isAuthority(authority) else {
            throw ValueError(
                "\(String(text).shown) is no origin as a browser writes it: SCHEME://HOST[:PORT] in small letters, without a path"
            )
        }
        let usual = scheme == "https" ? ":443" : scheme == "http" ? ":80" : nil
        if let usual, authority.hasSuffix(usual) {
            throw ValueError("\(String(text).shown) never comes: browsers leave out \(usual)")
        }
    }

    /// RFC 3986 section 3.1, in a browser's spelling.
    private static func isScheme(_ bytes: Substring.UTF8View) -> Bool {
        bytes.first.map(isSmallLetter) == true
            && bytes.allSatisfy { isSmallLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
    }

    /// A host in the form of `Origin`, with international names in their ASCII form, and a port without leading zeros.
    private static func isAuthority(_ text: Substring) -> Bool {
        guard let parts = HostPort(text), !parts.host.isEmpty else { return false }
        if let port = parts.port, port == 0 || !text.hasSuffix(":\(port)") { return false }
        if parts.isBracketed { return IPNumber(parts.host).map { !$0.isIPv4 && $0.text == parts.host } ?? false }
        return parts.host.utf8.allSatisfy { isSmallLetter($0) || isDigit($0) || "-._".utf8.contains($0) }
    }

    private static func isSmallLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

extension ValueCodec where Value == TrustedOrigins {
    static var trustedOrigins: ValueCodec {
        ValueCodec(
            name: "ORIGINS",
            accepted:
                "origins such as https://app.example.org or tauri://localhost, with commas between them; * for all, not with open",
            isList: true,
            read: { (text) throws(ValueError) in try TrustedOrigins(reading: text) },
            text: { $0.isEvery ? "*" : $0.names.joined(separator: ",") }
        )
    }
}
