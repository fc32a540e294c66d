/// Chooses paths of a repository, as huggingface_hub's `allow_patterns` and `ignore_patterns` do, by the rules of Python's `fnmatch`.
struct PathFilter: Sendable {
    let include: [String]
    let exclude: [String]

    static let mostPatterns = 64
    static let longestPattern = 256

    /// What is wrong with the patterns, to follow "a pattern"; nil: nothing.
    static func fault(_ patterns: [String]) -> String? {
        if patterns.count > mostPatterns { return "is one of more than \(mostPatterns)" }
        if patterns.contains("") { return "is empty" }
        if patterns.contains(where: { $0.utf8.count > longestPattern }) {
            return "is longer than \(longestPattern) bytes"
        }
        return patterns.contains { !$0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } } ? "has control characters" : nil
    }

    /// Whether a file is chosen.
    func takes(_ path: String) -> Bool {
        (include.isEmpty || include.contains { Self.matches($0, path) }) && !exclude.contains { Self.matches($0, path) }
    }

    /// `*` matches any characters, slashes too, `?` one, `[a-z]` one of a set, `[!a-z]` one that is not in it. A pattern that ends with a slash matches all
    /// of a folder. Takes no more steps than the product of the lengths: it goes back to the last star only.
    static func matches(_ pattern: String, _ path: String) -> Bool {
        let tokens = tokens(Array((pattern.hasSuffix("/") ? pattern + "*" : pattern).unicodeScalars))
        let text = Array(path.unicodeScalars)
        var (index, place, star, mark) = (0, 0, -1, 0)
        while index < text.count {
            if place < tokens.count, case .any = tokens[place] {
                (star, mark) = (place, index)
                place += 1
            } else if place < tokens.count, tokens[place].takes(text[index]) {
                place += 1
                index += 1
            } else if star >= 0 {
                mark += 1
                (place, index) = (star + 1, mark)
            } else {
                return false
            }
        }
        return tokens[place...].allSatisfy { if case .any = $0 { true } else { false } }
    }

    private enum Token {
        case any, one
        case scalar(Unicode.Scalar)
        case set([ClosedRange<Unicode.Scalar>], isNegative: Bool)

        func takes(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any: false
            case .one: true
            case .scalar(let own): own == scalar
            case .set(let ranges, let isNegative): ranges.contains { $0.contains(scalar) } != isNegative
            }
        }
    }

    private static func tokens(_ pattern: [Unicode.Scalar]) -> [Token] {
        var tokens: [Token] = []
        var index = 0
        while index < pattern.count {
            let scalar = pattern[index]
            index += 1
            switch scalar {
            case "*": tokens.append(.any)
            case "?": tokens.append(.one)
            case "[":
                // A bracket that comes first in a set belongs to it, and one without an end matches itself.
                var start = index
                let isNegative = start < pattern.count && pattern[start] == "!"
                if isNegative { start += 1 }
                guard let end = pattern.indices.first(where: { $0 > start && pattern[$0] == "]" }) else {
                    tokens.append(.scalar(scalar))
                    continue
                }
                tokens.append(.set(ranges(pattern[start..<end]), isNegative: isNegative))
                index = end + 1
            default: tokens.append(.scalar(scalar))
            }
        }
        return tokens
    }

    private static func ranges(_ set: ArraySlice<Unicode.Scalar>) -> [ClosedRange<Unicode.Scalar>] {
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var index = set.startIndex
        while index < set.endIndex {
            if index + 2 < set.endIndex, set[index + 1] == "-" {
                if set[index] <= set[index + 2] { ranges.append(set[index]...set[index + 2]) }
                index += 3
            } else {
                ranges.append(set[index]...set[index])
                index += 1
            }
        }
        return ranges
    }
}
