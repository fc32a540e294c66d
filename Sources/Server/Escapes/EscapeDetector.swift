internal import Hub

/// Finds what still names the Hub, or where its content is, in answers on their way to a client.
///
/// It knows nothing of how answers are rewritten: so it finds what that has missed.
struct EscapeDetector: Sendable {
    /// The Hub's own, whatever the settings say: its answers name them.
    private static let ofTheHub = ["huggingface.co", "hf.co"]

    private let hosts: [String]
    private let domains: [String]

    /// `addresses` are those of the Hub, the router and stores; `domains` stand for all below them too.
    init(addresses: [String], domains: [String]) {
        hosts = addresses.compactMap { URLAuthority($0)?.host }
        self.domains = Self.ofTheHub + domains
    }

    /// The host that `url` leads to, if it is one of the Hub's or of its stores.
    /// `gateway` is the gateway's address, as the client knows it: what leads there does not lead away.
    func host(in url: String, gateway: String) -> String? {
        guard let authority = URLAuthority(url), authority != URLAuthority(gateway) else { return nil }
        let host = authority.host
        guard hosts.contains(host) || domains.contains(where: { host == $0 || host.hasSuffix(".\($0)") }) else {
            return nil
        }
        return host
    }

    /// The first field that leads away. Does not allocate where no field could.
    func escape(in headers: Headers, gateway: String) -> Escape? {
        for (index, field) in headers.fields.enumerated() {
            // Nearly all fields are told apart by the length of their name.
            guard Self.lengths & (1 << UInt64(min(field.nameLength, 63))) != 0,
                let place = Self.places.first(where: { headers.isField(at: index, named: $0.name) })
            else { continue }
            let value = headers.withField(at: index) { _, value in
                String(decoding: value.indices.map { value[$0] }, as: UTF8.self)
            }
            for url in place.urls(value) {
                if let host = host(in: url, gateway: gateway) { return Escape(place: place.place, host: host) }
            }
        }
        return nil
    }

    /// A field that clients follow.
    private struct Place: Sendable {
        let name: String
        let place: MetricPlaces.Escape
        var urls: @Sendable (String) -> [Substring] = { [$0[...]] }
    }

    private static let places = [
        Place(name: "Location", place: .location), Place(name: "Content-Location", place: .contentLocation),
        Place(name: "Link", place: .link, urls: targets), Place(name: "Refresh", place: .refresh, urls: refreshed),
        Place(name: "X-Xet-Cas-Url", place: .xetCasUrl),
        Place(name: "X-Xet-Refresh-Route", place: .xetRefreshRoute),
    ]
    private static let lengths = places.reduce(0 as UInt64) { $0 | 1 << UInt64($1.name.utf8.count) }

    /// What stands in angle brackets (RFC 8288 section 3).
    @Sendable private static func targets(_ link: String) -> [Substring] {
        link.split(separator: "<").dropFirst(link.hasPrefix("<") ? 0 : 1).map { $0.prefix { $0 != ">" } }
    }

    /// `5; url=https://…`, as browsers read it.
    @Sendable private static func refreshed(_ value: String) -> [Substring] {
        guard let equals = value.firstIndex(of: "=") else { return [] }
        return [value[value.index(after: equals)...].drop { " '\"".contains($0) }]
    }
}

extension EscapeDetector {
    fileprivate func host(in url: Substring, gateway: String) -> String? { host(in: String(url), gateway: gateway) }
}
