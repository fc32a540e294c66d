internal import Hub

/// The host and port that a client could find in a URL or a reference, however oddly it is written: browsers take `\` for `/`,
/// and `https:host` for `https://host`, and leave out tabs and what stands before. For finding what leads away; to trust a host,
/// `ContentHosts` is stricter.
struct URLAuthority: Equatable {
    /// In lower case, without user information and without the dot that may end a name.
    let host: String
    /// Nil for the scheme's own.
    let port: String?

    /// A host has at most 253 bytes, and three times that with escapes: what is longer is no address of anybody's.
    private static let longestHost = 1024

    /// Nil for a reference that stays where it is, and for schemes other than http and https.
    init?(_ reference: some StringProtocol) {
        // Bytes: an accent behind a slash makes another character of it, and no other delimiter.
        var bytes = reference.utf8.lazy.filter { ![0x09, 0x0A, 0x0D].contains($0) }.makeIterator()
        var next = bytes.next()
        while let byte = next, byte <= 0x20 { next = bytes.next() }
        var start: [UInt8] = []
        while let byte = next, start.count < 6, start.last != UInt8(ascii: ":"), !Self.isSlash(byte) {
            start.append(byte | 0x20)
            next = bytes.next()
        }
        let isSecure = start.elementsEqual("https:".utf8)
        guard isSecure || start.elementsEqual("http:".utf8) || start.isEmpty else { return nil }
        var slashes = 0
        while let byte = next, Self.isSlash(byte) {
            slashes += 1
            next = bytes.next()
        }
        guard !start.isEmpty || slashes >= 2 else { return nil }
        var authority: [UInt8] = []
        while let byte = next, !Self.isSlash(byte), byte != UInt8(ascii: "?"), byte != UInt8(ascii: "#") {
            // User information, perhaps with an @ of its own.
            if byte == UInt8(ascii: "@") { authority.removeAll(keepingCapacity: true) } else { authority.append(byte) }
            next = bytes.next()
        }
        guard !authority.isEmpty, authority.count <= Self.longestHost else { return nil }
        self.init(authority, isPlain: start.count == 5)
    }

    private init(_ authority: [UInt8], isPlain: Bool) {
        let literal = authority.first == UInt8(ascii: "[") ? authority.firstIndex(of: UInt8(ascii: "]")) : nil
        let colon = authority[(literal ?? 0)...].firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        let port = String(decoding: authority[colon...].dropFirst(), as: UTF8.self)
        self.port = port.isEmpty || port == (isPlain ? "80" : "443") ? nil : port
        let name = PercentEncoding.decode(authority[..<colon])
        // The host gets into the log and into errors.
        var host = name.lowercased().unicodeScalars
            .filter { $0.value > 0x20 && $0.value != 0x7F && !"[]".unicodeScalars.contains($0) }
        if host.last == "." { host.removeLast() }
        self.host = String(String.UnicodeScalarView(host))
    }

    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }
}
