import HTTP

/// The web pages and desktop programs of other origins that may use the gateway from a browser's engine.
struct TrustedOrigins: Equatable, Sendable {
    /// As a browser writes them in `Origin` (RFC 6454 section 6.2).
    let names: [String]
    /// Whether each origin is trusted.
    let isEvery: Bool

    static let none = TrustedOrigins(names: [], isEvery: false)

    private init(names: [String], isEvery: Bool) {
        self.names = names
        self.isEvery = isEvery
    }

    /// Origins with commas between them, or `*` alone.
    init(reading text: String) throws(ValueError) {
        let texts = text.split { $0 == "," || $0 == " " }.map(String.init)
        if texts == ["*"] {
            self.init(names: [], isEvery: true)
            return
        }
        for text in texts { try Self.check(text) }
        self.init(names: texts, isEvery: false)
    }

    /// Whether a request with this `Origin` field comes from a trusted page. Documents without an origin of their own say `null`, and
    /// whoever likes can make one: it is never trusted.
    func contain(_ origin: String) -> Bool {
        isEvery ? origin != "null" : names.contains(origin)
    }

    private static func check(_ text: String) throws(ValueError) {
        guard let colon = text.firstRange(of: "://") else {
            throw ValueError("\(text) is no origin: give SCHEME://HOST or SCHEME://HOST:PORT")
        }
        let (scheme, authority) = (text[..<colon.lowerBound], text[colon.upperBound...])
        let isScheme =
            scheme.utf8.first.map { (0x61...0x7A).contains($0) } ?? false
            && scheme.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }
        let isAuthority =
            !authority.isEmpty
            && authority.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "-._:[]".utf8.contains(byte)
            }
        guard isScheme, isAuthority else {
            throw ValueError(
                "\(text) is no origin as a browser writes it: SCHEME://HOST[:PORT] in small letters, without a path")
        }
        let usual = scheme == "https" ? ":443" : scheme == "http" ? ":80" : nil
        if let usual, authority.hasSuffix(usual) {
            throw ValueError("\(text) never comes: browsers leave out \(usual)")
        }
    }
}

extension ValueCodec where Value == TrustedOrigins {
    static var trustedOrigins: ValueCodec {
        ValueCodec(
            name: "ORIGINS",
            accepted: "origins such as https://app.example.org or tauri://localhost, with commas between them; * for all, not with open",
            read: { (text) throws(ValueError) in try TrustedOrigins(reading: text) },
            text: { $0.isEvery ? "*" : $0.names.joined(separator: ",") }
        )
    }
}
