import EventIO
import HTTP

/// What a proxy says of one hop: the client that came to it, and how it was called.
struct ForwardedHop {
    /// Nil for `unknown`, an obfuscated name, or anything else that is no address.
    var client: IPNumber?
    var origin: ForwardedOrigin?
}

/// By what scheme and name a client called the first trusted proxy, as that one says: not yet judged.
struct ForwardedOrigin: Equatable, Sendable {
    var scheme: String?
    var authority: String?

    var isEmpty: Bool { scheme == nil && authority == nil }
}

/// The fields in which proxies name the clients of a request, as lists of hops: the last is the nearest.
enum ForwardedFields {
    /// No network has more hops than this.
    static let mostHops = 32

    /// RFC 7239 section 4: the last hops of all `Forwarded` fields together. Nil without one; a field that is not well formed has one hop that says
    /// nothing.
    static func forwarded(_ headers: Headers) -> [ForwardedHop]? {
        let values = headers.values(of: "Forwarded")
        guard !values.isEmpty else { return nil }
        let elements = values.flatMap { split($0, at: UInt8(ascii: ",")) ?? [""] }
        return elements.suffix(mostHops).map(hop)
    }

    /// The last hops of all `X-Forwarded-For` fields together, which has no specification: addresses, some with a port. Nil without one.
    static func xForwardedFor(_ headers: Headers) -> [ForwardedHop]? {
        let values = headers.values(of: "X-Forwarded-For")
        guard !values.isEmpty else { return nil }
        // By bytes: a comma with a combining accent is another Character.
        let elements = values.flatMap { $0.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) }
            .map { Substring($0) }
        return elements.suffix(mostHops).map { ForwardedHop(client: address(ofNode: trimmed($0))) }
    }

    /// The last `X-Forwarded-Proto` and `X-Forwarded-Host`: those of the nearest proxy.
    static func xForwardedOrigin(_ headers: Headers) -> ForwardedOrigin? {
        let origin = ForwardedOrigin(
            scheme: last("X-Forwarded-Proto", headers), authority: last("X-Forwarded-Host", headers))
        return origin.isEmpty ? nil : origin
    }

    private static func last(_ name: String, _ headers: Headers) -> String? {
        headers.values(of: name).last
            .flatMap { $0.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).last }
            .map { String(trimmed(Substring($0))) }
    }

    /// `for=192.0.2.43;host=gate.example.org;proto=https`. A parameter that is there twice makes a hop that says nothing.
    private static func hop(_ element: Substring) -> ForwardedHop {
        var values: [String: String] = [:]
        for pair in split(element, at: UInt8(ascii: ";")) ?? [] where !trimmed(pair).isEmpty {
            let parts = trimmed(pair).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = unquoted(parts[1]),
                values.updateValue(value, forKey: parts[0].lowercased()) == nil
            else { return ForwardedHop() }
        }
        let origin = ForwardedOrigin(scheme: values["proto"], authority: values["host"])
        return ForwardedHop(
            client: values["for"].flatMap { address(ofNode: $0[...]) }, origin: origin.isEmpty ? nil : origin)
    }

    /// RFC 7239 section 6: an address, IPv6 in brackets, with or without a port. An IPv6 address without brackets is one in X-Forwarded-For.
    static func address(ofNode node: Substring) -> IPNumber? {
        if let address = IPNumber(node) { return address }
        guard let parts = HostPort(node), let address = IPNumber(parts.host), address.isIPv4 != parts.isBracketed else {
            return nil
        }
        return address
    }

    /// Parts between separators outside of quotes; nil where a quoted string does not end.
    private static func split(_ text: some StringProtocol, at separator: UInt8) -> [Substring]? {
        var parts: [Substring] = []
        let text = Substring(text)
        var (start, isQuoted, isEscaped) = (text.startIndex, false, false)
        for index in text.utf8.indices {
            let byte = text.utf8[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == separator, !isQuoted {
                parts.append(text[start..<index])
                start = text.utf8.index(after: index)
            }
        }
        guard !isQuoted else { return nil }
        parts.append(text[start...])
        return parts
    }

    /// A token as it is, a quoted string (RFC 9110 section 5.6.4) without its quotes; nil for what is neither. None of the values has a use for
    /// an escape.
    private static func unquoted(_ text: Substring) -> String? {
        guard text.first == "\"" else { return text.contains("\"") || text.isEmpty ? nil : String(text) }
        let inner = text.dropFirst().dropLast()
        guard text.count >= 2, text.last == "\"", !inner.contains("\""), !inner.contains("\\") else { return nil }
        return String(inner)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
