/// The host and port that a client could find in a URL or a reference, however oddly it is written: browsers take `\` for `/`,
/// and `https:host` for `https://host`. For finding what leads away; to trust a host, `ContentHosts` is stricter.
struct URLAuthority: Equatable {
    /// In lower case, without user information.
    let host: String
    /// Nil for the scheme's own.
    let port: Substring?

    /// Nil for a reference that stays where it is, and for schemes other than http and https.
    init?(_ reference: some StringProtocol) {
        let text = reference.lowercased().replacing("\\", with: "/")
        let scheme = ["https:", "http:"].first { text.hasPrefix($0) }
        var rest = text.dropFirst(scheme?.count ?? 0)
        let slashes = rest.prefix { $0 == "/" }.count
        guard scheme != nil || slashes >= 2 else { return nil }
        rest = rest.dropFirst(slashes).prefix { !"/?#".contains($0) }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        guard !rest.isEmpty else { return nil }
        let colon = rest.hasPrefix("[") ? rest.firstRange(of: "]:")?.lowerBound : rest.firstIndex(of: ":")
        let port = colon.map { rest[$0...].drop { "]:".contains($0) } }
        self.port = port.flatMap { $0.isEmpty || $0 == (scheme == "http:" ? "80" : "443") ? nil : $0 }
        host = String(rest.prefix(upTo: colon ?? rest.endIndex).filter { !"[]".contains($0) })
    }
}
