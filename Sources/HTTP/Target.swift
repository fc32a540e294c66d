import Glibc

/// Why a request target cannot be read.
package struct MalformedTarget: Error, Sendable, Equatable {
    /// A whole sentence for the client.
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}

/// A request target (RFC 9112 section 3.2): path and query exactly as received, since the Hub distinguishes `%2F` from `/` and
/// a pre-signed query is valid only byte for byte.
package struct Target: Sendable, Hashable {
    /// Path, and `?` and query where there is one: the target to send upstream.
    package let pathAndQuery: String
    /// In bytes.
    package let pathLength: Int

    /// `/`
    package static let root = Target(pathAndQuery: "/", pathLength: 1)

    private init(pathAndQuery: String, pathLength: Int) {
        self.pathAndQuery = pathAndQuery
        self.pathLength = pathLength
    }

    /// Reads a target in origin, absolute (http, https) or asterisk form (RFC 9112 sections 3.2.1, 3.2.2, 3.2.4).
    /// Throws `MalformedTarget` for white space, control bytes, a fragment, bytes that are not UTF-8, and other forms.
    package init(_ received: some Collection<UInt8>) throws(MalformedTarget) {
        guard let text = String(validating: received, as: UTF8.self) else {
            throw MalformedTarget(reason: "The request target must be UTF-8; percent-encode other bytes.")
        }
        try self.init(text)
    }

    /// See `init(_:)` for bytes.
    package init(_ received: String) throws(MalformedTarget) {
        guard Self.isPlain(received) else {
            throw MalformedTarget(
                reason: "The request target must percent-encode spaces, control characters and \"#\".")
        }
        pathAndQuery = try Self.pathAndQuery(received)
        let bytes = pathAndQuery.utf8.span
        pathLength = bytes.indices.first { bytes[$0] == UInt8(ascii: "?") } ?? bytes.count
    }

    private static func isPlain(_ received: String) -> Bool {
        // Reads all of it: the compiler vectorises a loop without an exit.
        unsafe received.utf8.span.withUnsafeBufferPointer { bytes in
            var others: UInt8 = 0
            // The formatter would join the two words before "in".
            // swift-format-ignore
            for unsafe byte in unsafe bytes {
                others |= byte < 0x21 || byte == 0x7F || byte == UInt8(ascii: "#") ? 1 : 0
            }
            return others == 0
        }
    }

    /// The path as received, still percent-encoded.
    package var path: String {
        pathLength == pathAndQuery.utf8.count ? pathAndQuery : String(Substring(pathAndQuery.utf8.prefix(pathLength)))
    }

    /// Whether `part` is in the path as received.
    package func pathContains(_ part: String) -> Bool {
        let path = pathAndQuery.utf8.span.extracting(first: pathLength)
        let part = part.utf8.span
        guard let first = part.indices.first.map({ part[$0] }), path.count >= part.count else { return false }
        for start in 0...path.count - part.count where path[start] == first {
            if path.extracting(start..<start + part.count).equals(part) { return true }
        }
        return false
    }

    /// Whether the path as received begins with `part`.
    package func pathBegins(with part: String) -> Bool {
        let path = pathAndQuery.utf8.span.extracting(first: pathLength)
        let part = part.utf8.span
        return path.count >= part.count && path.extracting(first: part.count).equals(part)
    }

    /// Whether the path as received ends with `part`.
    package func pathEnds(with part: String) -> Bool {
        let path = pathAndQuery.utf8.span.extracting(first: pathLength)
        let part = part.utf8.span
        return path.count >= part.count && path.extracting(last: part.count).equals(part)
    }

    /// Whether the first segment of the path as received is one of `words`. Does not allocate.
    package func firstSegment(isAmong words: CaselessWords) -> Bool {
        let path = pathAndQuery.utf8.span.extracting(first: pathLength)
        guard !path.isEmpty else { return false }
        let end = (1..<path.count).first { path[$0] == UInt8(ascii: "/") } ?? path.count
        return words.contains(path.extracting(1..<end))
    }

    /// The text after the first `?`, as received; nil without a `?`, empty after a bare one.
    package var query: String? {
        let rest = pathAndQuery.utf8.dropFirst(pathLength)
        return rest.isEmpty ? nil : String(Substring(rest.dropFirst()))
    }

    /// The path's segments, percent-decoded one by one: `/a%2Fb/c/` is `["a/b", "c", ""]`, `/` is `[""]`.
    /// For routing only. A malformed escape is kept.
    package var segments: [String] {
        pathAndQuery.utf8.prefix(pathLength).dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { segment in
                let isPlain = !segment.contains(UInt8(ascii: "%"))
                return isPlain ? String(Substring(segment)) : PercentEncoding.decode(segment)
            }
    }

    /// The segment of this number as received, counted from 0; nil if there are fewer.
    package func segment(at number: Int) -> Substring? {
        let segments = pathAndQuery.utf8.prefix(pathLength).dropFirst()
            .split(separator: UInt8(ascii: "/"), maxSplits: number + 1, omittingEmptySubsequences: false)
        return number < segments.count ? Substring(segments[number]) : nil
    }

    /// Whether a segment is `.` or `..`, plain or encoded: a server that resolves these would see another path
    /// than the one that was routed and allowed. Bytes are compared: a slash with a combining accent is another Character.
    package var hasDotSegments: Bool {
        let path = pathAndQuery.utf8.span.extracting(first: pathLength)
        var (dots, isOnlyDots, index) = (0, true, 0)
        // Decoded on the way: a slash and a backslash end a segment, plain or encoded.
        while index < path.count {
            var byte = path[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < path.count, let high = path[index].hexDigit,
                let low = path[index + 1].hexDigit
            {
                byte = high << 4 | low
                index += 2
            }
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "\\"):
                if isOnlyDots, dots == 1 || dots == 2 { return true }
                (dots, isOnlyDots) = (0, true)
            case UInt8(ascii: "."): dots += 1
            default: isOnlyDots = false
            }
        }
        return isOnlyDots && (dots == 1 || dots == 2)
    }

    /// The target below `prefix`, a path without a slash at its end: for `/hf/x?y` below `/hf` it is `/x?y`, for `/hf` it is `/`.
    /// Nil for a path that is not below it.
    package func below(_ prefix: String) -> Target? {
        let prefixLength = prefix.utf8.count
        guard pathBegins(with: prefix) else { return nil }
        let rest = pathAndQuery.utf8.dropFirst(prefixLength)
        guard pathLength > prefixLength else {
            return Target(pathAndQuery: "/" + String(Substring(rest)), pathLength: 1)
        }
        guard rest.first == UInt8(ascii: "/") else { return nil }
        return Target(
            pathAndQuery: String(Substring(rest)), pathLength: pathLength - prefixLength)
    }

    private static func pathAndQuery(_ received: String) throws(MalformedTarget) -> String {
        if received.utf8.first == UInt8(ascii: "/") || received == "*" { return received }
        for scheme in ["http://", "https://"] where received.lowercased().hasPrefix(scheme) {
            let rest = received.utf8.dropFirst(scheme.utf8.count)
            let host = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            guard !host.isEmpty, !host.contains(UInt8(ascii: "@")) else { break }
            let path = rest.dropFirst(host.count)
            // RFC 9112 section 3.2.1: an empty path is sent as "/".
            let missing = path.first == UInt8(ascii: "/") ? "" : "/"
            return missing + String(Substring(path))
        }
        throw MalformedTarget(reason: "The request target must be a path that starts with a slash.")
    }
}

extension Target: CustomStringConvertible {
    /// The loggable form, so that no secret gets into a text by interpolation.
    package var description: String { loggable }
}

extension Span<UInt8> {
    fileprivate func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBufferPointer { one in
            unsafe other.withUnsafeBufferPointer { other in
                guard let one = one.baseAddress, let start = other.baseAddress else { return true }
                return unsafe memcmp(one, start, other.count) == 0
            }
        }
    }
}
