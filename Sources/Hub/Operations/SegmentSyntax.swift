import HTTP

/// What a segment of a path may contain. A segment that another reader could take as something else matches nothing: the path that was judged must
/// be the path that the Hub understands.
package enum SegmentSyntax {
    /// The name of an owner or of a repository by the Hub's rules (`RepoID`), plainly written.
    package static func isName(_ segment: Span<UInt8>) -> Bool {
        let count = segment.count
        guard count > 0, count <= RepoID.longest, !isEdge(segment[0]), !isEdge(segment[count - 1]) else { return false }
        var last: UInt8 = 0
        for index in 0..<count {
            let byte = segment[index]
            guard byte.isASCIIAlphanumeric || isEdge(byte) || byte == UInt8(ascii: "_") else { return false }
            if byte == last, isEdge(byte) { return false }
            last = byte
        }
        return !endsWithGit(segment)
    }

    /// Whether it ends with `.git`, in any case: some readers cut that off.
    package static func endsWithGit(_ segment: Span<UInt8>) -> Bool {
        guard segment.count >= 4 else { return false }
        let end = segment.extracting(last: 4)
        return end[0] == UInt8(ascii: ".") && end[1].asciiLowercased == UInt8(ascii: "g")
            && end[2].asciiLowercased == UInt8(ascii: "i") && end[3].asciiLowercased == UInt8(ascii: "t")
    }

    package static func isNumber(_ segment: Span<UInt8>) -> Bool {
        guard segment.count > 0, segment.count <= 18 else { return false }
        for index in 0..<segment.count where !(0x30...0x39).contains(segment[index]) { return false }
        return true
    }

    /// Unreserved characters (RFC 3986 section 2.3), and no dot segment.
    package static func isWord(_ segment: Span<UInt8>) -> Bool {
        var hasLetter = false
        for index in 0..<segment.count {
            let byte = segment[index]
            guard byte.isASCIIAlphanumeric || isMark(byte) else { return false }
            if byte != UInt8(ascii: ".") { hasLetter = true }
        }
        return hasLetter
    }

    /// A revision or a part of a file's path, percent-encoded as received. Not empty, no dot segment, also where an encoded slash
    /// divides it; no backslash and no control byte, plain or encoded. `%25` is a percent sign in a name: even a reader that
    /// decodes twice gets no dot segment and no slash out of it.
    package static func isText(_ segment: Span<UInt8>) -> Bool {
        guard segment.count > 0 else { return false }
        var (index, dots, isOnlyDots, isEmpty) = (0, 0, true, true)
        while index < segment.count {
            var byte = segment[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 1 < segment.count, let high = segment[index].hexDigit,
                    let low = segment[index + 1].hexDigit
                else { return false }
                byte = high << 4 | low
                index += 2
                if byte == UInt8(ascii: "%"), decodesAgain(segment, index) { return false }
            }
            guard byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "\\") else { return false }
            if byte == UInt8(ascii: "/") {
                guard !isEmpty, !(isOnlyDots && dots <= 2) else { return false }
                (dots, isOnlyDots, isEmpty) = (0, true, true)
            } else {
                isEmpty = false
                if byte == UInt8(ascii: ".") { dots += 1 } else { isOnlyDots = false }
            }
        }
        return !isEmpty && !(isOnlyDots && dots <= 2)
    }

    /// Whether an encoded percent sign begins another escape that could divide the path: `%252f`, `%252e`, `%255c`, `%2525`.
    private static func decodesAgain(_ segment: Span<UInt8>, _ index: Int) -> Bool {
        guard index + 1 < segment.count, let high = segment[index].hexDigit, let low = segment[index + 1].hexDigit
        else {
            return false
        }
        let byte = high << 4 | low
        return byte < 0x20 || [0x2F, 0x2E, 0x5C, 0x25, 0x7F].contains(byte)
    }

    private static func isEdge(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") }
    private static func isMark(_ byte: UInt8) -> Bool {
        isEdge(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
    }
}
