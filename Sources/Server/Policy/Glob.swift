import HTTP

/// Whether a text matches a pattern in which `*` stands for any bytes. Never more steps than the product of the lengths: it goes back to
/// the last star only.
enum Glob {
    /// `isCaseless`: the pattern has small letters, and capital letters of the text count as small.
    static func matches(_ pattern: Span<UInt8>, _ text: Span<UInt8>, isCaseless: Bool) -> Bool {
        var (index, place) = (0, 0)
        var (star, mark) = (-1, 0)
        while index < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = place
                place += 1
                mark = index
                // A star at the end takes the rest.
                if place == pattern.count { return true }
            } else if place < pattern.count,
                pattern[place] == (isCaseless ? text[index].asciiLowercased : text[index])
            {
                place += 1
                index += 1
            } else if star >= 0 {
                place = star + 1
                mark += 1
                index = mark
            } else {
                return false
            }
        }
        while place < pattern.count, pattern[place] == UInt8(ascii: "*") { place += 1 }
        return place == pattern.count
    }
}
