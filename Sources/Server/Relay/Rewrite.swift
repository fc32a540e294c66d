import EventIO
import HTTP
import Hub

/// Replaces URLs of the Hub and of its stores by the gateway's where a client would follow them, so that the next request
/// comes here too.
struct Rewrite: Sendable {
    /// The purpose of a URL in a response, which decides what is done with it.
    enum URLAction: Sendable {
        /// One of the Hub's leads here; others stay.
        case follow
        /// One of the Hub's leads here, and one of its stores is signed for reading; others stay.
        case link
        /// A user has written it, to be shown: one of the Hub's leads here, and one of its stores stays, since users must not get a
        /// signature for URLs of their choice.
        case authored
        /// It has to be one of the Hub's: clients send their token there.
        case hub
        /// The bytes of a file: signed for reading, if they are not at the Hub itself.
        case read
        /// The same, for an object that the JSON around it names, if it does.
        case object(StoredObject?)
        /// Stays: the SHA-256 and the size of the target of the URLs in the same object.
        case oid, size
        /// The target of an upload: signed for writing in the Hub's store. At the Hub itself it is where the parts of an
        /// upload are put together, and signed for that.
        case upload
        /// The target of one part of an upload: signed for writing.
        case part
        /// Xet's server: signed as a base for other URLs.
        case base
        /// The member is left out.
        case drop
    }

    /// `scheme://host[:port]` and the path prefix of the Hub, without a slash at the end.
    let hub: String
    /// The same of the gateway, as the client knows it: all URLs that lead here begin so.
    let gateway: String
    let signedURLs: SignedURLPolicy
    let xet: Xet
    /// The key for which URLs are signed; nil where there is none.
    var key: KeyMark?
    /// Whether signed URLs carry the object that the Hub has named for them, for the file cache.
    var namesObjects = false
    /// Seconds since 1970.
    let now: Int

    private static let names = CaselessWords(["Location", "Content-Location", "Link"], prefixes: [xetPrefix])
    private static let xetPrefix = "X-Xet-"
    private static let ofXet = CaselessWords([], prefixes: [xetPrefix])

    /// Whether there is a field that `apply` could change.
    static func concerns(_ headers: Headers) -> Bool { headers.contains(anyOf: names) }

    /// The Hub's URLs in the fields of its response: `Link` in all its relations, `Location`, `Content-Location`, and those of Xet.
    /// The rest stays as it is. Throws `hubBroken` for a store that is not allowed.
    func apply(to headers: inout Headers) throws(Failure) {
        for name in ["Location", "Content-Location"] {
            if let location = headers[name], let moved = moved(location) { headers.set(name, moved) }
        }
        if headers.contains("Link") { try applyToLinks(&headers) }
        if headers.contains(anyOf: Self.ofXet) { try applyToXet(&headers) }
    }

    /// The gateway's URL for one of the Hub's; nil for any other.
    func moved(_ url: some StringProtocol) -> String? {
        let bytes = url.utf8
        if bytes.first == UInt8(ascii: "/") { return movedPath(url) }
        guard bytes.starts(with: hub.utf8) else { return nil }
        let rest = bytes.dropFirst(hub.utf8.count)
        // `https://hub.example.org` also begins with `https://hub.example`.
        let next = rest.first ?? UInt8(ascii: "/")
        guard next == UInt8(ascii: "/") || next == UInt8(ascii: "?") else { return nil }
        // A client that sent no Host gets paths, in which `//host` would be another host.
        guard gateway.contains("://") || !rest.starts(with: "//".utf8) else { return nil }
        return gateway + String(decoding: rest, as: UTF8.self)
    }

    /// A reference that is only a path (RFC 3986 section 4.2) stays one. It leads to the same place here without a change where both
    /// have the same prefix.
    private func movedPath(_ path: some StringProtocol) -> String? {
        let (from, to) = (Self.path(of: hub), Self.path(of: gateway))
        let bytes = path.utf8
        guard from != to, !bytes.starts(with: "//".utf8), bytes.starts(with: from.utf8) else { return nil }
        let rest = bytes.dropFirst(from.utf8.count)
        guard rest.first == UInt8(ascii: "/") else { return nil }
        return to + String(decoding: rest, as: UTF8.self)
    }

    private static func path(of base: String) -> Substring {
        let authority = base.firstRange(of: "://").map { base[$0.upperBound...] } ?? base[...]
        return authority.firstIndex(of: "/").map { authority[$0...] } ?? ""
    }

    /// The replacement for a URL; nil where it stays. Throws `hubBroken` for one that leads to a host that is not allowed, because the
    /// client would go there, and for one that is too long.
    func replacement(for url: String, _ change: URLAction) throws(Failure) -> String? {
        switch (change, signedURLs.hosts.place(of: url)) {
        case (.follow, _), (.authored, _), (.link, .hub): moved(url)
        // A link that cannot be signed stays, to be counted as a leak: perhaps no client follows it.
        case (.link, .content): isLeft(url) ? nil : try? signed(url, .read)
        case (.link, .elsewhere): nil
        case (.drop, _), (.oid, _), (.size, _): nil
        case (.base, let place) where place == .content || ContentHosts.host(of: url) != nil: try signed(url, .base)
        case (.read, .content): try signed(url, .read)
        case (.object(let object), .content): try signed(url, .read, of: object)
        case (.upload, .content), (.part, .content): try signed(url, .upload)
        // git-lfs sends no credential there, or the one that the Hub names: neither is a gateway key.
        case (.hub, .hub) where key != nil && url.hasPrefix(hub + "/") && url.hasSuffix(SignedURLPolicy.verification):
            try signed(url, .verify)
        case (.upload, .hub) where ContentHosts.host(of: url) != nil: try signed(url, .complete)
        // A relative reference leads here unchanged, and some members hold no URL at all.
        case (_, .hub): moved(url)
        default: throw .contentElsewhere(ContentHosts.host(of: url) ?? "a place without a clear host")
        }
    }

    /// Whether clients are meant to go there themselves.
    private func isLeft(_ url: String) -> Bool {
        guard xet == .pass, let host = ContentHosts.host(of: url) else { return false }
        return host == Xet.domain || host.hasSuffix("." + Xet.domain)
    }

    /// The whole URL on the gateway that is signed for `url`.
    func signed(
        _ url: String, _ use: SignedURLCodec.Use, of object: StoredObject? = nil
    ) throws(Failure) -> String {
        gateway + (try signedURLs.path(to: url, for: use, of: namesObjects ? object : nil, key: key, now: now))
    }

    /// The most links in all `Link` fields of a response. The Hub sends a handful, and each costs more than its bytes.
    private static let mostLinks = 100
    /// The most bytes of those fields together.
    private static let mostLinkBytes = 16 * 1024

    private func applyToLinks(_ headers: inout Headers) throws(Failure) {
        let values = headers.values(of: "Link")
        try Self.checkSize(of: values)
        var rewritten: [String] = []
        for value in values {
            var links: [String] = []
            for link in Link.list(value) {
                if let link = try changed(link) { links.append(link) }
            }
            if !links.isEmpty { rewritten.append(links.joined(separator: ",")) }
        }
        guard values != rewritten else { return }
        headers.remove("Link")
        for value in rewritten { headers.append("Link", value) }
    }

    /// Counts separators and beginnings of links, as not every text is well formed.
    private static func checkSize(of values: [String]) throws(Failure) {
        guard values.reduce(0, { $0 + $1.utf8.count }) <= mostLinkBytes else {
            throw .hubBroken("its Link fields have more than \(mostLinkBytes) bytes")
        }
        var (commas, brackets) = (values.count, 0)
        for byte in values.lazy.flatMap(\.utf8) {
            if byte == UInt8(ascii: ",") { commas += 1 }
            if byte == UInt8(ascii: "<") { brackets += 1 }
        }
        guard max(commas, brackets) <= mostLinks else {
            throw .hubBroken("its Link fields have more than \(mostLinks) links")
        }
    }

    /// Nil where the link is left out.
    private func changed(_ link: Link) throws(Failure) -> String? {
        if xet == .hide, link.relations.contains(where: { $0.hasPrefix("xet-") }) { return nil }
        if let moved = moved(link.target) { return link.text(target: moved) }
        if xet == .carry, link.relations.contains("xet-reconstruction-info"),
            link.target.utf8.first != UInt8(ascii: "/")
        {
            return link.text(target: try signedBelow(String(link.target)))
        }
        return link.text(target: link.target)
    }

    private func applyToXet(_ headers: inout Headers) throws(Failure) {
        guard xet != .hide else {
            return headers.removeAll(Self.ofXet)
        }
        if let route = headers["X-Xet-Refresh-Route"], let moved = moved(route) {
            headers.set("X-Xet-Refresh-Route", moved)
        }
        if xet == .carry, let server = headers["X-Xet-Cas-Url"], let signed = try replacement(for: server, .base) {
            headers.set("X-Xet-Cas-Url", signed)
        }
    }

    /// A URL of Xet's server: its origin is signed as a base, the rest follows in clear. So requests carry the client's Xet token.
    private func signedBelow(_ url: String) throws(Failure) -> String {
        guard let origin = ContentHosts.origin(of: url) else { throw .contentElsewhere("a place without a clear host") }
        return try signed(origin, .base) + url.dropFirst(origin.count)
    }
}
