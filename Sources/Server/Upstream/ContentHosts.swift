internal import Hub

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
        if Self.isLocal(location) || (hub != nil && Self.origin(of: location) == hub) { return .hub }
        return allows(location) ? .content : .elsewhere
    }

    /// A relative reference that stays on its host for every reader (RFC 3986 section 4.2): browsers take `//host`, `/\host` and
    /// `https:host` for other hosts, and leave out tabs wherever they stand.
    private static func isLocal(_ reference: String) -> Bool {
        let bytes = reference.utf8
        guard !bytes.contains(where: { $0 == UInt8(ascii: "\\") || $0 < 0x20 }), !bytes.starts(with: "//".utf8) else {
            return false
        }
        return !bytes.prefix { !"/?#".utf8.contains($0) }.contains(UInt8(ascii: ":"))
    }

    func allows(_ url: String) -> Bool {
        guard let origin = Self.origin(of: url), let host = Self.host(of: url) else { return false }
        if origins.contains(origin) || origins.contains(Self.withoutUsualPort(origin)) { return true }
        // On https and its own port only: the list says names, not services.
        guard origin == "https://\(host)" || origin == "https://\(host):443" else { return false }
        return domains.contains { host == $0 || host.hasSuffix(".\($0)") }
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

    /// The host of an absolute URL, in lower case; nil for a relative reference and for one with user information.
    static func host(of url: String) -> String? {
        guard let origin = origin(of: url), let start = origin.firstRange(of: "://")?.upperBound else { return nil }
        let authority = origin[start...]
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[...end])
        }
        return String(authority.prefix { $0 != ":" })
    }

    /// `scheme://host[:port]` in lower case. Nil where an HTTP library could find another host than this does: user
    /// information, escapes, control characters and spaces anywhere, letters that are not ASCII in the host.
    static func origin(of url: String) -> String? {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), let scheme = url.firstRange(of: "://") else {
            return nil
        }
        let authority = url[scheme.upperBound...].prefix { !"/?#\\".contains($0) }
        let isPlain = authority.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_:[]".contains($0)) }
        guard !authority.isEmpty, isPlain else { return nil }
        return (url[..<scheme.upperBound] + authority).lowercased()
    }
}
