extension Headers {
    /// Whether `value` may be sent unchanged: no control bytes but TAB, no white space around it (RFC 9110 section 5.5).
    package static func isFieldValue(_ value: String) -> Bool {
        let bytes = value.utf8
        return bytes.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
            && bytes.trimmingOWS().count == bytes.count
    }
}

extension UInt8 {
    package var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

    package var isASCIIAlphanumeric: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7A).contains(asciiLowercased)
    }

    /// The value of a hexadecimal digit.
    package var hexDigit: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

extension BidirectionalCollection<UInt8> {
    /// Without the optional white space around it (RFC 9110 section 5.6.3).
    package func trimmingOWS() -> SubSequence {
        func isOWS(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = firstIndex(where: { !isOWS($0) }), let last = lastIndex(where: { !isOWS($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}

extension Headers {
    /// The media type of Content-Type, lower-cased and without its parameters (RFC 9110 section 8.3.1).
    package var mediaType: String? {
        withMediaType { type in String(decoding: type.indices.map { type[$0].asciiLowercased }, as: UTF8.self) }
    }

    /// Whether the media type is one of `types`, or ends with `suffix` (RFC 6839); nil without a Content-Type. Does not allocate.
    package func isMediaType(among types: CaselessWords, suffix: String) -> Bool? {
        let suffix = suffix.utf8.span
        return withMediaType { type in
            types.contains(type)
                || type.count >= suffix.count && type.extracting(last: suffix.count).isCaselessly(suffix)
        }
    }

    /// Whether `part` is in a value of `name`, without regard to ASCII case. Does not allocate.
    package func mentions(_ part: String, in name: String) -> Bool {
        let part = part.utf8.span
        guard !part.isEmpty else { return contains(name) }
        let first = part[0] | 0x20
        var next = 0
        while let index = firstIndex(of: name, from: next) {
            next = index + 1
            let isThere = withField(at: index) { _, value in
                var start = 0
                while start + part.count <= value.count {
                    // One comparison excludes nearly all places.
                    if value[start] | 0x20 == first,
                        value.extracting(start..<start + part.count).isCaselessly(part)
                    {
                        return true
                    }
                    start += 1
                }
                return false
            }
            if isThere { return true }
        }
        return false
    }

    /// The value of Content-Length, where it is a number (RFC 9110 section 8.6).
    package var contentLength: Int? {
        withFirst("Content-Length") { digits in
            var length = 0
            for index in digits.indices {
                let digit = Int(digits[index]) - 0x30
                guard (0...9).contains(digit), length <= (Int.max - digit) / 10 else { return nil }
                length = length * 10 + digit
            }
            return digits.isEmpty ? nil : length
        } ?? nil
    }

    private func withMediaType<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        withFirst("Content-Type") { value in
            func isBlank(_ index: Int) -> Bool { value[index] == 0x20 || value[index] == 0x09 }
            var type = 0..<(value.indices.first { value[$0] == UInt8(ascii: ";") } ?? value.count)
            while let first = type.first, isBlank(first) { type = first + 1..<type.upperBound }
            while let last = type.last, isBlank(last) { type = type.lowerBound..<last }
            return body(value.extracting(type))
        }
    }
}

/// A fixed set of ASCII words that are compared without regard to case, such as field names: made once, and used for each
/// field of each message without an allocation.
package struct CaselessWords: Sendable {
    /// Words of the same length one after another, by that length.
    private let byLength: [[UInt8]]
    /// Bit n: there is a word of n bytes. It excludes most candidates.
    private let lengths: UInt64
    private let prefixes: [[UInt8]]

    /// `words`, and all names that begin with one of `prefixes`. Words of more than 63 bytes are a bug of the caller.
    package init(_ words: [String], prefixes: [String] = []) {
        var byLength = [[UInt8]](repeating: [], count: 64)
        var lengths: UInt64 = 0
        for word in words {
            let count = word.utf8.count
            byLength[count] += word.utf8
            lengths |= 1 << UInt64(count)
        }
        self.byLength = byLength
        self.lengths = lengths
        self.prefixes = prefixes.map { Array($0.utf8) }
    }

    package func contains(_ word: Span<UInt8>) -> Bool {
        let count = word.count
        if count < 64, lengths & (1 << UInt64(count)) != 0, isListed(word) { return true }
        for prefix in prefixes where count >= prefix.count {
            if word.extracting(first: prefix.count).isCaselessly(prefix.span) { return true }
        }
        return false
    }

    private func isListed(_ word: Span<UInt8>) -> Bool {
        guard !word.isEmpty else { return true }
        let words = byLength[word.count]
        for start in stride(from: 0, to: words.count, by: word.count) {
            if words.span.extracting(start..<start + word.count).isCaselessly(word) { return true }
        }
        return false
    }
}

extension Span<UInt8> {
    /// Whether both are the same but for the case of ASCII letters.
    package func isCaselessly(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count {
            let one = self[index]
            let two = other[index]
            if one != two, one.asciiLowercased != two.asciiLowercased { return false }
        }
        return true
    }
}

extension String {
    /// Whether `part` is in it, byte for byte. The standard library's own search compares characters: for a path it takes thirty
    /// times as long, and a combining character after `/` hides the slash from it.
    package func contains(_ part: String) -> Bool {
        let text = utf8.span
        let part = part.utf8.span
        guard !part.isEmpty else { return true }
        guard text.count >= part.count else { return false }
        let first = part[0]
        for start in 0...text.count - part.count where text[start] == first {
            var length = 1
            while length < part.count, text[start + length] == part[length] { length += 1 }
            if length == part.count { return true }
        }
        return false
    }
}
