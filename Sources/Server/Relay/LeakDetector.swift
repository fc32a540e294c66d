import EventIO
import HTTP

/// A place in a response that would lead a client past the gateway.
struct UpstreamLeak: Hashable, Sendable {
    let place: MetricLabels.LeakPlace
    /// The host that it leads to; path and query, which may hold a secret, are not kept.
    let host: String
}

/// Finds URLs of the Hub, or of its stores, in responses on their way to a client.
///
/// It is independent of the rewriting of responses: so it finds what that has missed.
struct LeakDetector: Sendable {
    /// The Hub's own domains, whatever the settings say: its responses name them.
    private static let ofTheHub = ["huggingface.co", "hf.co"]

    private let hosts: [String]
    private let domains: [String]
    private let meant: [String]

    /// `addresses` are those of the Hub, the router and stores; `domains` cover all names below them.
    /// `meant` are domains that the operator lets clients go to.
    init(addresses: [String], domains: [String], meant: [String] = []) {
        self.meant = meant
        hosts = addresses.compactMap { URLAuthority($0)?.host }
        self.domains = Self.ofTheHub + domains
    }

    /// The host that `url` leads to, if it is one of the Hub's or of its stores.
    /// `gateway` is the gateway's address, as the client knows it: URLs below it do not lead away.
    func host(in url: some StringProtocol, gateway: String) -> String? {
        guard let authority = URLAuthority(url) else { return nil }
        let host = authority.host
        guard hosts.contains(host) || Self.isBelow(domains, host), !Self.isBelow(meant, host),
            authority != URLAuthority(gateway)
        else { return nil }
        return host
    }

    /// The host that `url` leads to, unless it is the gateway's or one that the operator lets clients go to. In the fields below the Hub
    /// tells a client where to go, so an unknown host there is worse than a store.
    private func otherHost(in url: some StringProtocol, gateway: String) -> String? {
        guard let authority = URLAuthority(url), authority != URLAuthority(gateway) else { return nil }
        return Self.isBelow(meant, authority.host) ? nil : authority.host
    }

    private static func isBelow(_ domains: [String], _ host: String) -> Bool {
        domains.contains { domain in
            host == domain
                || host.utf8.count > domain.utf8.count && host.utf8.reversed().starts(with: domain.utf8.reversed())
                    && host.utf8.dropLast(domain.utf8.count).last == UInt8(ascii: ".")
        }
    }

    /// Whether there is a field that could lead away. Does not allocate.
    static func concerns(_ headers: Headers) -> Bool { headers.contains(anyOf: names) }

    /// The first field that leads away.
    func leak(in headers: Headers, gateway: String) -> UpstreamLeak? {
        for field in Self.fields {
            for value in headers.values(of: field.name) {
                for url in field.urls(value) {
                    if let host = otherHost(in: url, gateway: gateway) {
                        return UpstreamLeak(place: field.place, host: host)
                    }
                }
            }
        }
        return nil
    }

    /// A field that clients follow.
    private struct Field: Sendable {
        let name: String
        let place: MetricLabels.LeakPlace
        var urls: @Sendable (String) -> [Substring] = { [$0[...]] }
    }

    private static let fields = [
        Field(name: "Location", place: .location), Field(name: "Content-Location", place: .contentLocation),
        Field(name: "Link", place: .link, urls: targets), Field(name: "Refresh", place: .refresh, urls: refreshed),
        Field(name: "X-Xet-Cas-Url", place: .xetCasUrl),
        Field(name: "X-Xet-Refresh-Route", place: .xetRefreshRoute),
    ]
    private static let names = CaselessWords(fields.map(\.name))

    /// The targets in angle brackets (RFC 8288 section 3).
    @Sendable private static func targets(_ link: String) -> [Substring] {
        link.utf8.split(separator: UInt8(ascii: "<"), omittingEmptySubsequences: false).dropFirst()
            .map { Substring($0.prefix { $0 != UInt8(ascii: ">") }) }
    }

    /// `5; url=https://…`, as browsers read it.
    @Sendable private static func refreshed(_ value: String) -> [Substring] {
        guard let equals = value.utf8.firstIndex(of: UInt8(ascii: "=")) else { return [] }
        return [Substring(value.utf8[equals...].dropFirst().drop { " '\"".utf8.contains($0) })]
    }
}

/// The host and port that a client could find in a URL or a reference, however oddly it is written: browsers read `\` as `/`,
/// and `https:host` as `https://host`, and ignore tabs and leading spaces. It serves to find leaks; to trust a host,
/// `ContentHosts` is stricter.
struct URLAuthority: Equatable {
    /// In lower case, without user information and without the dot that may end a name.
    let host: String
    /// Nil for the scheme's own.
    let port: String?

    /// A host has at most 253 bytes, and three times that with escapes: a longer text is no host.
    private static let longestHost = 1024

    /// Nil for a reference without a host, and for schemes other than http and https.
    init?(_ reference: some StringProtocol) {
        // Bytes: a slash with a combining accent is another Character, which no delimiter matches.
        self.init(bytes: Array(reference.utf8))
    }

    private init?(bytes all: [UInt8]) {
        let isBroken = all.contains { $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        let bytes = isBroken ? all.filter { $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } : all
        var index = bytes.firstIndex { $0 > 0x20 } ?? bytes.endIndex
        let start = index
        while index < bytes.count, index - start < 6, !Self.isSlash(bytes[index]) {
            index += 1
            if bytes[index - 1] == UInt8(ascii: ":") { break }
        }
        let scheme = bytes[start..<index]
        guard scheme.isEmpty || Self.isScheme(scheme) else { return nil }
        let slashes = index
        while index < bytes.count, Self.isSlash(bytes[index]) { index += 1 }
        guard !scheme.isEmpty || index - slashes >= 2 else { return nil }
        var first = index
        while index < bytes.count, !Self.isSlash(bytes[index]), bytes[index] != UInt8(ascii: "?"),
            bytes[index] != UInt8(ascii: "#")
        {
            // User information, which may contain an @.
            if bytes[index] == UInt8(ascii: "@") { first = index + 1 }
            index += 1
        }
        guard first < index, index - first <= Self.longestHost else { return nil }
        self.init(Array(bytes[first..<index]), isPlain: scheme.count == 5)
    }

    private static func isScheme(_ scheme: ArraySlice<UInt8>) -> Bool {
        let wanted: StaticString = scheme.count == 5 ? "http:" : "https:"
        guard scheme.count == wanted.utf8CodeUnitCount else { return false }
        for (offset, byte) in scheme.enumerated() where unsafe byte | 0x20 != wanted.utf8Start[offset] { return false }
        return true
    }

    private init(_ authority: [UInt8], isPlain: Bool) {
        let literal = authority.first == UInt8(ascii: "[") ? authority.firstIndex(of: UInt8(ascii: "]")) : nil
        let colon = authority[(literal ?? 0)...].firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        let port = String(decoding: authority[colon...].dropFirst(), as: UTF8.self)
        self.port = port.isEmpty || port == (isPlain ? "80" : "443") ? nil : port
        if authority[..<colon].allSatisfy({
            $0 < 0x7F && $0 > 0x20 && $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]")
        }) {
            let name =
                authority[..<colon].last == UInt8(ascii: ".") ? authority[..<colon].dropLast() : authority[..<colon]
            host = String(decoding: name.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
            return
        }
        let name = PercentEncoding.decode(authority[..<colon])
        // The host gets into the log and into errors.
        var host = name.lowercased().unicodeScalars
            .filter { $0.value > 0x20 && $0.value != 0x7F && !"[]".unicodeScalars.contains($0) }
        if host.last == "." { host.removeLast() }
        self.host = String(String.UnicodeScalarView(host))
    }

    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }
}
