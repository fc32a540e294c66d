extension ContentHosts {
    /// A relative reference that stays on its host for every reader (RFC 3986 section 4.2): browsers read `//host`, `/\host` and
    /// `https:host` as other hosts, and ignore tabs anywhere.
    static func isLocal(_ reference: String) -> Bool {
        let bytes = reference.utf8.span
        // Readers ignore leading spaces.
        if bytes.count >= 1, bytes[0] == UInt8(ascii: " ") { return false }
        if bytes.count >= 2, bytes[0] == UInt8(ascii: "/"), bytes[1] == UInt8(ascii: "/") { return false }
        var mayBeScheme = true
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "\\"), 0..<0x20: return false
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): mayBeScheme = false
            case UInt8(ascii: ":") where mayBeScheme: return false
            default: break
            }
        }
        return true
    }

    /// The host of an absolute URL, in lower case; nil for a relative reference and for one with user information.
    static func host(of url: String) -> String? {
        guard let parts = parts(of: url) else { return nil }
        let authority = url.utf8.dropFirst(parts.authority.lowerBound).prefix(parts.authority.count)
        let isLiteral = authority.first == UInt8(ascii: "[")
        if isLiteral, let end = authority.firstIndex(of: UInt8(ascii: "]")) {
            return Substring(authority[...end]).lowercased()
        }
        return Substring(authority.prefix { $0 != UInt8(ascii: ":") }).lowercased()
    }

    /// `scheme://host[:port]` in lower case. Nil where an HTTP library could find another host than this function: user
    /// information, escapes, control characters and spaces anywhere, letters that are not ASCII in the host.
    static func origin(of url: String) -> String? {
        parts(of: url).map { Substring(url.utf8.prefix($0.authority.upperBound)).lowercased() }
    }

    private struct Parts {
        /// The range of the authority, in bytes.
        let authority: Range<Int>
    }

    private static func parts(of url: String) -> Parts? {
        let bytes = url.utf8.span
        var start: Int?
        for index in bytes.indices {
            guard bytes[index] > 0x20, bytes[index] != 0x7F else { return nil }
            if start == nil, bytes[index] == UInt8(ascii: "/"), index >= 2, bytes[index - 1] == UInt8(ascii: "/"),
                bytes[index - 2] == UInt8(ascii: ":")
            {
                start = index + 1
            }
        }
        guard let start else { return nil }
        var end = start
        while end < bytes.count, !endsAuthority(bytes[end]) { end += 1 }
        guard isAuthority(bytes.extracting(start..<end)) else { return nil }
        return Parts(authority: start..<end)
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"): true
        default: false
        }
    }

    /// A name or an address, an IPv6 address in brackets, and perhaps a port. Some readers ignore brackets elsewhere.
    private static func isAuthority(_ bytes: Span<UInt8>) -> Bool {
        var end = 0
        if bytes.count > 0, bytes[0] == UInt8(ascii: "[") {
            end = 1
            while end < bytes.count, isOfLiteral(bytes[end]) { end += 1 }
            guard end > 1, end < bytes.count, bytes[end] == UInt8(ascii: "]") else { return false }
            end += 1
        } else {
            while end < bytes.count, isOfName(bytes[end]) { end += 1 }
            guard end > 0 else { return false }
        }
        guard end < bytes.count else { return true }
        guard bytes[end] == UInt8(ascii: ":") else { return false }
        end += 1
        while end < bytes.count, bytes[end] &- UInt8(ascii: "0") < 10 { end += 1 }
        return end == bytes.count
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isOfLiteral(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
