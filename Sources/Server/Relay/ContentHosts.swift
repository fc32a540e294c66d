/// The hosts that may hold the Hub's content. A redirect of the Hub names the host; without this list it could name one inside the
/// operator's network.
struct ContentHosts: Sendable {
    /// Domain names; each covers all names below it.
    let domains: [String]
    /// Whole origins, such as that of the sandbox's store, or of a self-hosted Hub's.
    let origins: [String]
    /// The Hub's own origin.
    private let hub: String?

    /// `base` is the Hub's origin, with or without a path.
    init(domains: [String], origins: [String], base: String) {
        self.domains = domains
        self.origins = origins
        hub = Self.origin(of: base)
    }

    /// Where a redirect of the Hub leads.
    enum Place: Equatable {
        /// To the Hub itself, so to this gateway.
        case hub
        /// To a store, which has the bytes of files.
        case content
        /// To another host, or to something that can be read in two ways.
        case elsewhere
    }

    func place(of location: String) -> Place {
        if Self.isLocal(location) { return .hub }
        guard let origin = Self.origin(of: location) else { return .elsewhere }
        if origin == hub { return .hub }
        return allows(location, origin) ? .content : .elsewhere
    }

    func allows(_ url: String) -> Bool {
        Self.origin(of: url).map { allows(url, $0) } ?? false
    }

    private func allows(_ url: String, _ origin: String) -> Bool {
        guard let host = Self.host(of: url) else { return false }
        if origins.contains(origin) || origins.contains(Self.withoutUsualPort(origin)) { return true }
        // By https and its own port only: the list allows hosts, not other services on them.
        let portLength = origin.utf8.count - host.utf8.count - "https://".utf8.count
        guard origin.hasPrefix("https://"), portLength == 0 || portLength == 4 && origin.hasSuffix(":443") else {
            return false
        }
        return domains.contains { domain in
            host == domain
                || host.hasSuffix(domain) && host.utf8.dropLast(domain.utf8.count).last == UInt8(ascii: ".")
        }
    }

    private static func withoutUsualPort(_ origin: String) -> String {
        let usual = origin.hasPrefix("https:") ? ":443" : ":80"
        return origin.hasSuffix(usual) ? String(origin.dropLast(usual.count)) : origin
    }

    /// The URL to which `reference` leads from `url` (RFC 3986 section 5.2), for a whole URL or a path from the root: the forms that stores use.
    /// Nil for other forms.
    static func resolved(_ reference: String, from url: String) -> String? {
        if host(of: reference) != nil { return reference }
        guard reference.hasPrefix("/"), isLocal(reference), let origin = origin(of: url) else { return nil }
        return origin + reference
    }
}
