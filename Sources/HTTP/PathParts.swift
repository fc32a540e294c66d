import Glibc

/// Words to be found in paths, each of which begins with a slash: `/resolve/`. Made once, and used for most requests, without an
/// allocation. Bytes are compared: a slash with a combining accent is another Character.
package struct PathParts: Sendable {
    /// A word's first bytes as one number, to be compared with that of a path, and the place of all its bytes.
    private struct Part {
        let first: UInt64
        /// Which bits of `first` count: a word may be shorter.
        let mask: UInt64
        let start: Int
        let length: Int
    }

    private let parts: [Part]
    /// The words' bytes, one word after the other.
    private let text: [UInt8]
    /// Bit n: in some part the byte after the slash has n as its last six bits. It excludes nearly all places.
    private let seconds: UInt64
    /// A word counts only where a segment ends with it.
    private let isWhole: Bool

    /// A part without a slash at its beginning, or with nothing after it, is a bug of the caller.
    package init(_ parts: [String]) { self.init(parts, isWhole: false) }

    /// Whole segments: `/events` is in `/a/events?b`, and not in `/a/events-of-b`.
    package init(whole parts: [String]) { self.init(parts, isWhole: true) }

    /// Matches wherever one of these matches, and perhaps elsewhere: the words of all, whether their segments end with them or not.
    package init(anyOf others: [PathParts]) {
        self.init(others.flatMap { other in other.parts.map { other.word($0) } }, isWhole: false)
    }

    private func word(_ part: Part) -> String {
        String(decoding: text[part.start..<part.start + part.length], as: UTF8.self)
    }

    private init(_ words: [String], isWhole: Bool) {
        self.isWhole = isWhole
        var (parts, text, seconds): ([Part], [UInt8], UInt64) = ([], [], 0)
        for word in words.map({ Array($0.utf8) }) {
            precondition(word.count > 1 && word[0] == UInt8(ascii: "/"))
            seconds |= Self.bit(word[1])
            let (first, mask) = unsafe word.withUnsafeBufferPointer { unsafe Self.first($0) }
            parts.append(Part(first: first, mask: mask, start: text.count, length: word.count))
            text += word
        }
        (self.parts, self.text, self.seconds) = (parts, text, seconds)
    }

    private static func bit(_ byte: UInt8) -> UInt64 { 1 << UInt64(byte & 63) }

    /// The first bytes as a number, up to eight of them, and which of its bits they are.
    private static func first(_ bytes: UnsafeBufferPointer<UInt8>) -> (number: UInt64, mask: UInt64) {
        if bytes.count >= 8, let start = bytes.baseAddress {
            return unsafe (UnsafeRawPointer(start).loadUnaligned(as: UInt64.self), .max)
        }
        var (number, mask): (UInt64, UInt64) = (0, 0)
        for index in 0..<bytes.count {
            unsafe number |= UInt64(bytes[index]) << UInt64(8 * index)
            mask |= 0xFF << UInt64(8 * index)
        }
        return (number, mask)
    }

    /// Whether one of them is somewhere in `path`.
    package func stand(in path: Span<UInt8>) -> Bool {
        unsafe path.withUnsafeBufferPointer { path in
            guard let start = path.baseAddress else { return false }
            var place = 0
            // Nothing follows the last byte.
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
        let (number, known) = unsafe Self.first(rest)
        return unsafe parts.withUnsafeBufferPointer { parts in
            for index in parts.indices {
                let part = unsafe parts[index]
                guard number & part.mask == part.first, known & part.mask == part.mask else { continue }
                if unsafe stands(part, at: rest) { return true }
            }
            return false
        }
    }

    /// Whether the whole word is there, when its first bytes are.
    private func stands(_ part: Part, at rest: UnsafeBufferPointer<UInt8>) -> Bool {
        guard part.length <= rest.count, let other = rest.baseAddress else { return false }
        let isThere = unsafe text.withUnsafeBufferPointer { text in
            guard let word = text.baseAddress else { return false }
            return unsafe memcmp(word + part.start, other, part.length) == 0
        }
        guard isThere else { return false }
        return unsafe !isWhole || part.length == rest.count || Self.isEnd(rest[part.length])
    }

    private static func isEnd(_ next: UInt8) -> Bool { next == UInt8(ascii: "/") || next == UInt8(ascii: "?") }
}

extension PathParts: ExpressibleByArrayLiteral {
    package init(arrayLiteral parts: String...) { self.init(parts) }
}

extension String {
    /// Whether one of `parts` is in it.
    package func contains(anyOf parts: PathParts) -> Bool { parts.stand(in: utf8.span) }
}

extension Target {
    /// Whether one of `parts` is in the path as received.
    package func pathContains(anyOf parts: PathParts) -> Bool {
        parts.stand(in: pathAndQuery.utf8.span.extracting(first: pathLength))
    }
}
