internal import Hub

/// Finds what still names the Hub, or where its content is, in answers on their way to a client.
///
/// It knows nothing of how answers are rewritten: so it finds what that has missed.
struct EscapeDetector: Sendable {
    /// The Hub's own, whatever the settings say: its answers name them.
    private static let ofTheHub = ["huggingface.co", "hf.co"]

    private let hosts: [String]
    private let domains: [String]
    private let meant: [String]

    /// `addresses` are those of the Hub, the router and stores; `domains` stand for all below them too.
    /// `meant` are domains that the operator lets clients go to.
    init(addresses: [String], domains: [String], meant: [String] = []) {
        self.meant = meant
        hosts = addresses.compactMap { URLAuthority($0)?.host }
        self.domains = Self.ofTheHub + domains
    }

    /// The host that `url` leads to, if it is one of the Hub's or of its stores.
    /// `gateway` is the gateway's address, as the client knows it: what leads there does not lead away.
    func host(in url: some StringProtocol, gateway: String) -> String? {
        guard let authority = URLAuthority(url) else { return nil }
        let host = authority.host
        guard hosts.contains(host) || Self.isBelow(domains, host), !Self.isBelow(meant, host),
            authority != URLAuthority(gateway)
        else { return nil }
        return host
    }

    /// The host that `url` leads to, if it is any but the gateway and those that the operator lets clients go to: the fields below are
    /// the Hub's word on where a client shall go, so a stranger in them is worse than a store.
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
    func escape(in headers: Headers, gateway: String) -> Escape? {
        for field in Self.fields {
            for value in headers.values(of: field.name) {
                for url in field.urls(value) {
                    if let host = otherHost(in: url, gateway: gateway) { return Escape(place: field.place, host: host) }
                }
            }
        }
        return nil
    }

    /// A field that clients follow.
    private struct Field: Sendable {
        let name: String
        let place: MetricPlaces.Escape
        var urls: @Sendable (String) -> [Substring] = { [$0[...]] }
    }

    private static let fields = [
        Field(name: "Location", place: .location), Field(name: "Content-Location", place: .contentLocation),
        Field(name: "Link", place: .link, urls: targets), Field(name: "Refresh", place: .refresh, urls: refreshed),
        Field(name: "X-Xet-Cas-Url", place: .xetCasUrl),
        Field(name: "X-Xet-Refresh-Route", place: .xetRefreshRoute),
    ]
    private static let names = CaselessWords(fields.map(\.name))

    /// What stands in angle brackets (RFC 8288 section 3).
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
