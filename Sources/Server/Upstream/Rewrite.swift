internal import Hub

/// Turns the Hub's own address into the gateway's where a client would follow it, so that the next request comes here too.
struct Rewrite: Sendable {
    /// `scheme://host[:port]` and the path prefix of the Hub, without a slash at the end.
    let hub: String
    /// The same of the gateway, as the client knows it: what leads here begins so, whoever makes it.
    let gateway: String

    /// Whether there is anything that `apply` could change.
    static func concerns(_ headers: Headers) -> Bool {
        headers.contains("Location") || headers.contains("Link")
    }

    /// The Hub's URLs in the fields of its answer: `Link` in all its relations, and `Location`. The rest stays as it is.
    func apply(to headers: inout Headers) {
        if let location = headers["Location"], let moved = moved(location) {
            headers.set("Location", moved)
        }
        let links = headers.values(of: "Link")
        let rewritten = links.map(link)
        guard links != rewritten else { return }
        headers.remove("Link")
        for link in rewritten { headers.append("Link", link) }
    }

    /// The URL on the gateway for one on the Hub; nil for any other.
    func moved(_ url: String) -> String? {
        if url.hasPrefix("/") { return movedPath(url) }
        guard url.hasPrefix(hub) else { return nil }
        let rest = url.dropFirst(hub.count)
        // `https://hub.example.org` also begins with `https://hub.example`.
        guard rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?") else { return nil }
        return gateway + rest
    }

    /// A reference that is only a path (RFC 3986 section 4.2) stays one, and leads to the same place here without a change where both
    /// have the same prefix.
    private func movedPath(_ path: String) -> String? {
        let (from, to) = (Self.path(of: hub), Self.path(of: gateway))
        guard from != to, !path.hasPrefix("//"), path.hasPrefix(from) else { return nil }
        let rest = path.dropFirst(from.count)
        guard rest.hasPrefix("/") else { return nil }
        return "\(to)\(rest)"
    }

    private static func path(of base: String) -> Substring {
        let authority = base.firstRange(of: "://").map { base[$0.upperBound...] } ?? base[...]
        return authority.firstIndex(of: "/").map { authority[$0...] } ?? ""
    }

    /// RFC 8288 section 3: only what stands in angle brackets is a target; order and parameters stay.
    private func link(_ value: String) -> String {
        var result = ""
        var rest = Substring(value)
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            let target = String(rest[rest.index(after: open)..<close])
            result += rest[...open] + (moved(target) ?? target) + ">"
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}
