extension HomePage {
    /// The origin if it is plainly one, else a placeholder. Whoever sends a request chooses its `Host`, and the page
    /// puts it into lines that people paste into a shell: there escaping HTML is not enough.
    var shownOrigin: String { Self.isPlainOrigin(origin) ? origin : "https://HOST:PORT" }

    /// The gateway's address for clients: what they call `HF_ENDPOINT`.
    var address: String { shownOrigin + basePath }

    /// `shownOrigin` without its scheme.
    var authority: String { String(shownOrigin.dropFirst(Self.scheme.count)) }

    private static let scheme = "https://"

    private static func isPlainOrigin(_ text: String) -> Bool {
        guard text.hasPrefix(scheme) else { return false }
        let bytes = text.utf8.dropFirst(scheme.utf8.count)
        let host: Substring.UTF8View
        let isHostByte: (UInt8) -> Bool
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            host = bytes[bytes.index(after: bytes.startIndex)..<end]
            isHostByte = { isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        } else {
            host = bytes[..<(bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex)]
            isHostByte = { isLetterOrDigit($0) || ".-_".utf8.contains($0) }
        }
        // 253: the longest name that DNS has.
        guard (1...253).contains(host.count), host.allSatisfy(isHostByte) else { return false }
        var port = bytes[host.endIndex...]
        if port.first == UInt8(ascii: "]") { port = port.dropFirst() }
        if port.isEmpty { return true }
        return port.first == UInt8(ascii: ":") && (2...6).contains(port.count) && port.dropFirst().allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
