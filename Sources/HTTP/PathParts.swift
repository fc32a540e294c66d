import Glibc

/// Words that are looked for in paths, each of which begins with a slash: `/resolve/`. Made once, and asked for most requests, without an
/// allocation. Bytes are compared: a slash with an accent on it is one character, and no slash.
package struct PathParts: Sendable {
    private let parts: [[UInt8]]
    /// Bit n: in some part the byte behind the slash has n as its last six bits. It rules nearly all places out.
    private let seconds: UInt64
    /// Only what ends with its segment counts.
    private let isWhole: Bool

    /// A part without a slash at its beginning, or with nothing behind it, is a bug of the caller.
    package init(_ parts: [String]) { self.init(parts, isWhole: false) }

    /// Whole segments: `/events` stands in `/a/events?b`, and not in `/a/events-of-b`.
    package init(whole parts: [String]) { self.init(parts, isWhole: true) }

    private init(_ parts: [String], isWhole: Bool) {
        self.isWhole = isWhole
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
        unsafe path.withUnsafeBufferPointer { path in
            guard let start = path.baseAddress else { return false }
            var place = 0
            // The last byte has nothing behind it.
            while place + 1 < path.count,
                let slash = unsafe memchr(start + place, Int32(UInt8(ascii: "/")), path.count - 1 - place)
            {
                place = unsafe UnsafeRawPointer(start).distance(to: slash)
                if unsafe seconds & Self.bit(path[place + 1]) != 0,
                    unsafe beginOne(UnsafeBufferPointer(rebasing: path[place...]))
                {
                    return true
                }
                place += 1
            }
            return false
        }
    }

    /// Whether `rest` begins with one of them.
    private func beginOne(_ rest: UnsafeBufferPointer<UInt8>) -> Bool {
        for part in parts where part.count <= rest.count {
            let isThere = unsafe part.withUnsafeBufferPointer { part in
                guard let one = part.baseAddress, let other = rest.baseAddress else { return false }
                return unsafe memcmp(one, other, part.count) == 0
            }
            let next = unsafe isWhole ? rest.dropFirst(part.count).first : nil
            if isThere, Self.isEnd(next) { return true }
        }
        return false
    }

    private static func isEnd(_ next: UInt8?) -> Bool {
        next == nil || next == UInt8(ascii: "/") || next == UInt8(ascii: "?")
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
