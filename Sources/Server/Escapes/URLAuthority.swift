internal import Hub

/// The host and port that a client could find in a URL or a reference, however oddly it is written: browsers take `\` for `/`,
/// and `https:host` for `https://host`, and leave out tabs and what stands before. For finding what leads away; to trust a host,
/// `ContentHosts` is stricter.
struct URLAuthority: Equatable {
    /// In lower case, without user information and without the dot that may end a name.
    let host: String
    /// Nil for the scheme's own.
    let port: Substring?

    /// Nil for a reference that stays where it is, and for schemes other than http and https.
    init?(_ reference: some StringProtocol) {
        // Scalars: an accent behind a slash makes another character of it, and no other delimiter.
        let text = Substring(Self.cleaned(reference)).unicodeScalars
        let scheme = ["https:", "http:"].first { text.starts(with: $0.unicodeScalars) }
        var rest = text.dropFirst(scheme?.count ?? 0)
        let slashes = rest.prefix { $0 == "/" }.count
        guard scheme != nil || slashes >= 2 else { return nil }
        rest = rest.dropFirst(slashes).prefix { !"/?#".unicodeScalars.contains($0) }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        guard !rest.isEmpty else { return nil }
        let start = rest.first == "[" ? rest.firstIndex(of: "]") ?? rest.startIndex : rest.startIndex
        let colon = rest[start...].firstIndex(of: ":") ?? rest.endIndex
        let port = Substring(rest[colon...].dropFirst())
        self.port = port.isEmpty || port == (scheme == "http:" ? "80" : "443") ? nil : port
        let name = PercentEncoding.decode(Substring(rest[..<colon]).utf8).lowercased().unicodeScalars
            // The host gets into the log and into errors.
            .filter { $0.value > 0x20 && $0.value != 0x7F && !"[]".unicodeScalars.contains($0) }
        host = String(String.UnicodeScalarView(name.last == "." ? name.dropLast() : name[...]))
    }

    private static func cleaned(_ reference: some StringProtocol) -> String {
        var text = String.UnicodeScalarView()
        for scalar in reference.unicodeScalars.drop(while: { $0.value <= 0x20 })
        where !["\t", "\n", "\r"].contains(scalar) {
            text.append(scalar == "\\" ? "/" : scalar)
        }
        return String(text).lowercased()
    }
}
