/// A fixed set of ASCII words that are compared without regard to case, such as field names: made once, and asked for each
/// field of each message, without an allocation.
public struct CaselessWords: Sendable {
    /// Words of the same length one after another, by that length.
    private let byLength: [[UInt8]]
    /// Bit n: there is a word of n bytes. It rules most questions out.
    private let lengths: UInt64
    private let prefixes: [[UInt8]]

    /// `words`, and all that begins with one of `prefixes`. Words of more than 63 bytes are a bug of the caller.
    public init(_ words: [String], prefixes: [String] = []) {
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

    public func contains(_ word: Span<UInt8>) -> Bool {
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
    func isCaselessly(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count {
            let one = self[index]
            let two = other[index]
            if one != two, one.asciiLowercased != two.asciiLowercased { return false }
        }
        return true
    }
}
