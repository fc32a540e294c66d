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
        self.init(bytes: Array(reference.utf8))
    }

    private init?(bytes all: [UInt8]) {
        let isBroken = all.contains { $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        let bytes = isBroken ? all.filter { $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } : all
        var index = bytes.firstIndex { $0 > 0x20 } ?? bytes.endIndex
        let start = index
        while index < bytes.count, index - start < 6, !Self.isSlash(bytes[index]) {
            index += 1
            if bytes[index - 1] == UInt8(ascii: ":") { break }
        }
        let scheme = bytes[start..<index]
        guard scheme.isEmpty || Self.isScheme(scheme) else { return nil }
        let slashes = index
        while index < bytes.count, Self.isSlash(bytes[index]) { index += 1 }
        guard !scheme.isEmpty || index - slashes >= 2 else { return nil }
        var first = index
        while index < bytes.count, !Self.isSlash(bytes[index]), bytes[index] != UInt8(ascii: "?"),
            bytes[index] != UInt8(ascii: "#")
        {
            // User information, perhaps with an @ of its own.
            if bytes[index] == UInt8(ascii: "@") { first = index + 1 }
            index += 1
        }
        guard first < index, index - first <= Self.longestHost else { return nil }
        self.init(Array(bytes[first..<index]), isPlain: scheme.count == 5)
    }

    private static func isScheme(_ scheme: ArraySlice<UInt8>) -> Bool {
        let wanted: StaticString = scheme.count == 5 ? "http:" : "https:"
        guard scheme.count == wanted.utf8CodeUnitCount else { return false }
        for (offset, byte) in scheme.enumerated() where unsafe byte | 0x20 != wanted.utf8Start[offset] { return false }
        return true
    }

    private init(_ authority: [UInt8], isPlain: Bool) {
        let literal = authority.first == UInt8(ascii: "[") ? authority.firstIndex(of: UInt8(ascii: "]")) : nil
        let colon = authority[(literal ?? 0)...].firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        let port = String(decoding: authority[colon...].dropFirst(), as: UTF8.self)
        self.port = port.isEmpty || port == (isPlain ? "80" : "443") ? nil : port
        if authority[..<colon].allSatisfy({
            $0 < 0x7F && $0 > 0x20 && $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]")
        }) {
            let name =
                authority[..<colon].last == UInt8(ascii: ".") ? authority[..<colon].dropLast() : authority[..<colon]
            host = String(decoding: name.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
            return
        }
        let name = PercentEncoding.decode(authority[..<colon])
        // The host gets into the log and into errors.
        var host = name.lowercased().unicodeScalars
            .filter { $0.value > 0x20 && $0.value != 0x7F && !"[]".unicodeScalars.contains($0) }
        if host.last == "." { host.removeLast() }
        self.host = String(String.UnicodeScalarView(host))
    }

    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }
}
