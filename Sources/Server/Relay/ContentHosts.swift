/// Which hosts may hold the Hub's content. A redirect of the Hub names the place; without this list it could name one inside the
/// operator's network.
struct ContentHosts: Sendable {
    /// Domain names; each stands for itself and all below it.
    let domains: [String]
    /// Origins in full, such as that of the sandbox's store, or of a self-hosted Hub's.
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
        /// To where the bytes of files are.
        case content
        /// Out of here, or to something that two readers could read in two ways.
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
        // On https and its own port only: the list says names, not services.
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

    /// Where `reference` leads from `url` (RFC 3986 section 5.2), for a whole URL and a path from the root: what stores redirect with.
    /// Nil for the others.
    static func resolved(_ reference: String, from url: String) -> String? {
        if host(of: reference) != nil { return reference }
        guard reference.hasPrefix("/"), isLocal(reference), let origin = origin(of: url) else { return nil }
        return origin + reference
    }
}
