/// Words that are looked for in paths, each of which begins with a slash: `/resolve/`. Made once, and asked for most requests, without an
/// allocation. Bytes are compared: a slash with an accent on it is one character, and no slash.
package struct PathParts: Sendable {
    private let parts: [[UInt8]]
    /// Bit n: in some part the byte behind the slash has n as its last six bits. It rules nearly all places out.
    private let seconds: UInt64

    /// A part without a slash at its beginning, or with nothing behind it, is a bug of the caller.
    package init(_ parts: [String]) {
        self.parts = parts.map { Array($0.utf8) }
        var seconds: UInt64 = 0
        for part in self.parts {
            precondition(part.count > 1 && part[0] == UInt8(ascii: "/"))
            seconds |= Self.bit(part[1])
        }
        self.seconds = seconds
    }

    private static func bit(_ byte: UInt8) -> UInt64 { 1 << UInt64(byte & 63) }

    /// Whether one of them stands somewhere in `path`.
    package func stand(in path: Span<UInt8>) -> Bool {
        var start = 0
        while start + 1 < path.count {
            if path[start] == UInt8(ascii: "/"), seconds & Self.bit(path[start + 1]) != 0,
                beginOne(path.extracting(start..<path.count))
            {
                return true
            }
            start += 1
        }
        return false
    }

    /// Whether `rest` begins with one of them.
    private func beginOne(_ rest: Span<UInt8>) -> Bool {
        for part in parts where part.count <= rest.count {
            var length = 1
            while length < part.count, rest[length] == part[length] { length += 1 }
            if length == part.count { return true }
        }
        return false
    }
}

extension PathParts: ExpressibleByArrayLiteral {
    package init(arrayLiteral parts: String...) { self.init(parts) }
}

extension String {
    /// Whether one of `parts` stands in it.
    package func contains(anyOf parts: PathParts) -> Bool { parts.stand(in: utf8.span) }
}

extension Target {
    /// Whether one of `parts` stands in the path as received.
    package func pathContains(anyOf parts: PathParts) -> Bool {
        parts.stand(in: pathAndQuery.utf8.span.extracting(first: pathLength))
    }
}
